/** What is known about a task: header facts and all attributes. */
import { contribute, defineFeature } from '@sinew/plugin';
import { TaskInfo } from './TaskInfo.tsx';
import { TaskMeta } from './TaskMeta.tsx';

export default defineFeature({
  name: 'task-info',
  contributions: [
    contribute('task.header', 'task-info.meta', TaskMeta),
    contribute('task.body', 'task-info.attributes', TaskInfo),
  ],
});
