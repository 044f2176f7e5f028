import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Each step brings the schema one version further; steps that were released are never changed. */
const migrations = [
  `
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE models (id TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
  CREATE TABLE conversations (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, is_titled INTEGER NOT NULL, shown_turn_id TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX conversations_by_update ON conversations (updated_at);
  CREATE TABLE turns (
    id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id TEXT REFERENCES turns (id) ON DELETE CASCADE, text TEXT NOT NULL, chosen_answer_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX turns_by_conversation ON turns (conversation_id);
  CREATE TABLE answers (
    id TEXT PRIMARY KEY, turn_id TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    model_id TEXT NOT NULL, model_name TEXT NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL, stats TEXT,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX answers_by_turn ON answers (turn_id);
  `,
  `
  CREATE TABLE measurements (
    id INTEGER PRIMARY KEY, model_id TEXT NOT NULL, file TEXT NOT NULL, backend TEXT NOT NULL,
    at INTEGER NOT NULL, entry TEXT NOT NULL
  ) STRICT;
  CREATE INDEX measurements_by_model ON measurements (model_id);
  `,
  `
  CREATE TABLE parked_states (
    conversation_id TEXT NOT NULL, model_id TEXT NOT NULL, file TEXT NOT NULL, model TEXT NOT NULL, state_format TEXT NOT NULL,
    tokens INTEGER NOT NULL, bytes INTEGER NOT NULL, checksum TEXT NOT NULL, used_at INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, model_id)
  ) STRICT;
  ALTER TABLE answers ADD COLUMN memory_starts_at TEXT;
  ALTER TABLE answers ADD COLUMN memory_keeps_first INTEGER;
  `,
  `
  ALTER TABLE conversations ADD COLUMN asking TEXT;
  ALTER TABLE answers ADD COLUMN sampling TEXT;
  ALTER TABLE answers ADD COLUMN is_json INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE attachments (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, characters INTEGER NOT NULL, cut_from INTEGER
  ) STRICT;
  CREATE TABLE turn_attachments (
    turn_id TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE, attachment_id TEXT NOT NULL REFERENCES attachments (id),
    position INTEGER NOT NULL, PRIMARY KEY (turn_id, attachment_id)
  ) STRICT;
  CREATE INDEX turn_attachments_by_attachment ON turn_attachments (attachment_id);
  CREATE TRIGGER attachments_leave AFTER DELETE ON turn_attachments
    WHEN NOT EXISTS (SELECT 1 FROM turn_attachments WHERE attachment_id = old.attachment_id)
    BEGIN DELETE FROM attachments WHERE id = old.attachment_id; END;
  CREATE TABLE reading_speeds (
    model_id TEXT NOT NULL, file TEXT NOT NULL, backend TEXT NOT NULL, tokens_per_second REAL NOT NULL, PRIMARY KEY (model_id)
  ) STRICT;
  `,
]

/** Opens the app's SQLite database (WAL) in a folder that is made when it is not there, and brings its schema up to date. */
export function openDatabase(file: string): DatabaseSync {
  mkdirSync(path.dirname(file), { recursive: true })
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 5000 })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    database.exec(`BEGIN; ${migration} PRAGMA user_version = ${String(index + 1)}; COMMIT;`)
  }
  return database
}
