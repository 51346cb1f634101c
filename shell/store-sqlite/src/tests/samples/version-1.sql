-- A store as version 1 wrote it: schema, pragmas and a few rows.
PRAGMA application_id = 1397313111;
PRAGMA user_version = 1;
CREATE TABLE partition (
  number INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT;
CREATE TABLE journal (
  partition INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (partition, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE outgoing (
  partition INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  place INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (partition, seq, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE "task" (
  "partition" INTEGER NOT NULL,
  "key" TEXT NOT NULL,
  "queue" TEXT,
  "created_at" INTEGER,
  "status" TEXT,
  "priority" INTEGER,
  "live" INTEGER,
  "body" TEXT NOT NULL,
  PRIMARY KEY (partition, "key")
) STRICT;
CREATE INDEX "task__queue" ON "task" (partition, "queue", "key");
CREATE INDEX "task___live" ON "task" (partition, "key") WHERE "live" = 1;
CREATE TABLE "reservation" (
  "partition" INTEGER NOT NULL,
  "key" TEXT NOT NULL,
  "task" TEXT,
  "status" TEXT,
  "live" INTEGER,
  "body" TEXT NOT NULL,
  PRIMARY KEY (partition, "key")
) STRICT;
CREATE INDEX "reservation__task" ON "reservation" (partition, "task", "key");
CREATE INDEX "reservation___live" ON "reservation" (partition, "key") WHERE "live" = 1;
CREATE TABLE "worker_load" (
  "partition" INTEGER NOT NULL,
  "key" TEXT NOT NULL,
  "idle_since" INTEGER,
  "body" TEXT NOT NULL,
  PRIMARY KEY (partition, "key")
) STRICT;
INSERT INTO partition VALUES (1, 'WS00000000000000000000000000000001', 'routing', 1767225600000);
INSERT INTO journal VALUES
  (1, 1, 1767225600000, 'WorkerCreated', '{"worker":"WK1"}'),
  (1, 2, 1767225600000, 'TaskCreated', '{"task":"WT1"}'),
  (1, 3, 1767225600100, 'TaskCompleted', '{"task":"WT1"}'),
  (1, 4, 1767225600500, 'TaskCreated', '{"task":"WT2"}'),
  (1, 5, 1767225600500, 'ReservationCreated', '{"reservation":"WR2"}'),
  (1, 6, 1767225600900, 'ReservationAccepted', '{"reservation":"WR2"}');
INSERT INTO outgoing VALUES
  (1, 4, 0, '{"webhook":"task.created"}');
INSERT INTO task VALUES
  (1, 'WT1', 'WQ1', 1767225600000, 'completed', 0, 0, '{"attributes":"{}"}'),
  (1, 'WT2', 'WQ1', 1767225600500, 'assigned', 3, 1, '{"attributes":"{\"language\":\"fr\"}"}');
INSERT INTO reservation VALUES
  (1, 'WR2', 'WT2', 'accepted', 1, '{}');
INSERT INTO worker_load VALUES
  (1, 'WK1', NULL, '{}');
