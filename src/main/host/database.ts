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
  ALTER TABLE answers ADD COLUMN thoughts TEXT;
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
