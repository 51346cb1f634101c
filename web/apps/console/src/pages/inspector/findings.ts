/**
 * The anti-patterns by name. What they mean and what helps, the server says.
 */
import { strings } from '@sinew/ui';
import type { Finding } from './source.ts';

const english = {
  one_global_object: 'One global object',
  single_map_of_all_agents: 'A single map of all agents',
  database_like_growth: 'Grows like a database',
  hot_loop_writes: 'Written in a hot loop',
  large_values_written_often: 'Large values, written often',
  reads_without_a_cache: 'Read without a cache',
  client_for_each_request: 'A client for each request',
};

const t = strings('findings', english);

/** What it is called; a name that is not known is shown as it came. */
export function findingTitle({ code }: Finding): string {
  const name = (Object.keys(english) as (keyof typeof english)[]).find((known) => known === code);
  return name === undefined ? code.replaceAll('_', ' ') : t(name);
}
