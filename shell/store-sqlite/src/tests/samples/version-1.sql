-- A store as version 1 wrote it: schema, pragmas and a few rows.
PRAGMA application_id = 1397313111;
PRAGMA user_version = 1;
CREATE TABLE partition (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
  partition TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (partition, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE outgoing (
  partition TEXT NOT NULL,
  seq INTEGER NOT NULL,
  place INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (partition, seq, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE "task" (
  "partition" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "queue" TEXT,
  "created_at" INTEGER,
  "status" TEXT,
  "priority" INTEGER,
  "live" INTEGER,
  "body" TEXT NOT NULL,
  PRIMARY KEY (partition, "key")
) STRICT, WITHOUT ROWID;
CREATE INDEX "task__queue" ON "task" (partition, "queue", "key");
CREATE INDEX "task___live" ON "task" (partition, "key") WHERE "live" = 1;
CREATE TABLE "reservation" (
  "partition" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "task" TEXT,
  "status" TEXT,
  "live" INTEGER,
  "body" TEXT NOT NULL,
  PRIMARY KEY (partition, "key")
) STRICT, WITHOUT ROWID;
CREATE INDEX "reservation__task" ON "reservation" (partition, "task", "key");
CREATE INDEX "reservation___live" ON "reservation" (partition, "key") WHERE "live" = 1;
CREATE TABLE "worker_load" (
  "partition" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "idle_since" INTEGER,
  "body" TEXT NOT NULL,
  PRIMARY KEY (partition, "key")
) STRICT, WITHOUT ROWID;
INSERT INTO partition VALUES ('WS00000000000000000000000000000001', 'routing', 1767225600000);
INSERT INTO journal VALUES
  ('WS00000000000000000000000000000001', 1, 1767225600000, 'WorkerCreated', '{"worker":"WK1"}'),
  ('WS00000000000000000000000000000001', 2, 1767225600000, 'TaskCreated', '{"task":"WT1"}'),
  ('WS00000000000000000000000000000001', 3, 1767225600100, 'TaskCompleted', '{"task":"WT1"}'),
  ('WS00000000000000000000000000000001', 4, 1767225600500, 'TaskCreated', '{"task":"WT2"}'),
  ('WS00000000000000000000000000000001', 5, 1767225600500, 'ReservationCreated', '{"reservation":"WR2"}'),
  ('WS00000000000000000000000000000001', 6, 1767225600900, 'ReservationAccepted', '{"reservation":"WR2"}');
INSERT INTO outgoing VALUES
  ('WS00000000000000000000000000000001', 4, 0, '{"webhook":"task.created"}');
INSERT INTO task VALUES
  ('WS00000000000000000000000000000001', 'WT1', 'WQ1', 1767225600000, 'completed', 0, 0, '{"attributes":"{}"}'),
  ('WS00000000000000000000000000000001', 'WT2', 'WQ1', 1767225600500, 'assigned', 3, 1, '{"attributes":"{\"language\":\"fr\"}"}');
INSERT INTO reservation VALUES
  ('WS00000000000000000000000000000001', 'WR2', 'WT2', 'accepted', 1, '{}');
INSERT INTO worker_load VALUES
  ('WS00000000000000000000000000000001', 'WK1', NULL, '{}');
