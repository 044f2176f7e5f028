import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { indexText } from '../../contract/search-text.ts'

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
  ALTER TABLE conversations ADD COLUMN is_pinned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE conversations ADD COLUMN is_archived INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE conversations ADD COLUMN deleted_at INTEGER;

  -- Full text search. The index holds no texts: an entry says where each is. Answers are indexed when they have ended.
  CREATE TABLE search_entries (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, source_id TEXT NOT NULL, conversation_id TEXT NOT NULL, turn_id TEXT,
    at INTEGER NOT NULL, UNIQUE (kind, source_id)
  ) STRICT;
  CREATE VIRTUAL TABLE search_titles USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2", prefix = '1 2'
  );
  CREATE VIRTUAL TABLE search_texts USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2", prefix = '1 2'
  );
  CREATE TRIGGER search_forgets AFTER DELETE ON search_entries BEGIN
    DELETE FROM search_titles WHERE rowid = old.id AND old.kind = 'title';
    DELETE FROM search_texts WHERE rowid = old.id AND old.kind <> 'title';
  END;

  CREATE TRIGGER search_title AFTER INSERT ON conversations BEGIN
    INSERT INTO search_entries (kind, source_id, conversation_id, at) VALUES ('title', new.id, new.id, new.created_at);
    INSERT INTO search_titles (rowid, text)
      SELECT id, search_text(new.title) FROM search_entries WHERE kind = 'title' AND source_id = new.id;
  END;
  CREATE TRIGGER search_new_title AFTER UPDATE OF title ON conversations WHEN old.title <> new.title BEGIN
    UPDATE search_titles SET text = search_text(new.title)
      WHERE rowid = (SELECT id FROM search_entries WHERE kind = 'title' AND source_id = new.id);
  END;
  CREATE TRIGGER search_no_title AFTER DELETE ON conversations BEGIN
    DELETE FROM search_entries WHERE kind = 'title' AND source_id = old.id;
  END;

  CREATE TRIGGER search_message AFTER INSERT ON turns BEGIN
    INSERT INTO search_entries (kind, source_id, conversation_id, turn_id, at)
      VALUES ('message', new.id, new.conversation_id, new.id, new.created_at);
    INSERT INTO search_texts (rowid, text)
      SELECT id, search_text(new.text) FROM search_entries WHERE kind = 'message' AND source_id = new.id;
  END;
  CREATE TRIGGER search_new_message AFTER UPDATE OF text ON turns WHEN old.text <> new.text BEGIN
    UPDATE search_texts SET text = search_text(new.text)
      WHERE rowid = (SELECT id FROM search_entries WHERE kind = 'message' AND source_id = new.id);
  END;
  CREATE TRIGGER search_no_message AFTER DELETE ON turns BEGIN
    DELETE FROM search_entries WHERE kind = 'message' AND source_id = old.id;
  END;

  CREATE TRIGGER search_ended_answer AFTER INSERT ON answers
    WHEN json_extract(new.state, '$.kind') IN ('done', 'interrupted') BEGIN
    INSERT INTO search_entries (kind, source_id, conversation_id, turn_id, at)
      SELECT 'answer', new.id, t.conversation_id, t.id, new.created_at FROM turns t WHERE t.id = new.turn_id;
    INSERT INTO search_texts (rowid, text)
      SELECT id, search_text(new.text) FROM search_entries WHERE kind = 'answer' AND source_id = new.id;
  END;
  CREATE TRIGGER search_answer AFTER UPDATE OF text, state ON answers
    WHEN json_extract(new.state, '$.kind') IN ('done', 'interrupted')
      AND (old.text <> new.text OR json_extract(old.state, '$.kind') NOT IN ('done', 'interrupted')) BEGIN
    DELETE FROM search_entries WHERE kind = 'answer' AND source_id = new.id;
    INSERT INTO search_entries (kind, source_id, conversation_id, turn_id, at)
      SELECT 'answer', new.id, t.conversation_id, t.id, new.created_at FROM turns t WHERE t.id = new.turn_id;
    INSERT INTO search_texts (rowid, text)
      SELECT id, search_text(new.text) FROM search_entries WHERE kind = 'answer' AND source_id = new.id;
  END;
  CREATE TRIGGER search_no_answer AFTER DELETE ON answers BEGIN
    DELETE FROM search_entries WHERE kind = 'answer' AND source_id = old.id;
  END;

  INSERT INTO search_entries (kind, source_id, conversation_id, turn_id, at)
    SELECT 'title', id, id, NULL, created_at FROM conversations
    UNION ALL SELECT 'message', id, conversation_id, id, created_at FROM turns
    UNION ALL SELECT 'answer', a.id, t.conversation_id, t.id, a.created_at FROM answers a JOIN turns t ON t.id = a.turn_id
      WHERE json_extract(a.state, '$.kind') IN ('done', 'interrupted')
    ORDER BY created_at;
  INSERT INTO search_titles (rowid, text)
    SELECT e.id, search_text(c.title) FROM search_entries e JOIN conversations c ON c.id = e.source_id WHERE e.kind = 'title';
  INSERT INTO search_texts (rowid, text)
    SELECT e.id, search_text(t.text) FROM search_entries e JOIN turns t ON t.id = e.source_id WHERE e.kind = 'message';
  INSERT INTO search_texts (rowid, text)
    SELECT e.id, search_text(a.text) FROM search_entries e JOIN answers a ON a.id = e.source_id WHERE e.kind = 'answer';
  `,
  `
  ALTER TABLE turns ADD COLUMN parent_answer_id TEXT;
  ALTER TABLE turns ADD COLUMN is_undecided INTEGER NOT NULL DEFAULT 0;
  UPDATE turns SET parent_answer_id = (SELECT p.chosen_answer_id FROM turns p WHERE p.id = turns.parent_id);
  ALTER TABLE answers ADD COLUMN asked_together_id TEXT;
  ALTER TABLE answers ADD COLUMN written_text TEXT;
  ALTER TABLE answers ADD COLUMN next_turn_id TEXT;
  DROP INDEX turns_by_conversation;
  CREATE INDEX turns_by_place ON turns (conversation_id, parent_answer_id);
  CREATE INDEX turns_by_parent ON turns (parent_id);
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
  `
  ALTER TABLE answers ADD COLUMN thoughts TEXT;
  `,
  `
  -- The text of an attachment is indexed once, when it is sent; with which messages it goes is asked when it is found.
  CREATE TRIGGER search_attachment AFTER INSERT ON turn_attachments
    WHEN NOT EXISTS (SELECT 1 FROM search_entries WHERE kind = 'attachment' AND source_id = new.attachment_id) BEGIN
    INSERT INTO search_entries (kind, source_id, conversation_id, at) VALUES ('attachment', new.attachment_id, '', 0);
    INSERT INTO search_texts (rowid, text)
      SELECT e.id, search_text(a.name || char(10) || a.text) FROM search_entries e JOIN attachments a ON a.id = e.source_id
      WHERE e.kind = 'attachment' AND e.source_id = new.attachment_id;
  END;
  CREATE TRIGGER search_no_attachment AFTER DELETE ON attachments BEGIN
    DELETE FROM search_entries WHERE kind = 'attachment' AND source_id = old.id;
  END;
  INSERT INTO search_entries (kind, source_id, conversation_id, at)
    SELECT DISTINCT 'attachment', attachment_id, '', 0 FROM turn_attachments;
  INSERT INTO search_texts (rowid, text)
    SELECT e.id, search_text(a.name || char(10) || a.text) FROM search_entries e JOIN attachments a ON a.id = e.source_id
    WHERE e.kind = 'attachment';
  `,
  `
  ALTER TABLE answers ADD COLUMN routing TEXT;
  ALTER TABLE answers ADD COLUMN verification TEXT;
  ALTER TABLE answers ADD COLUMN repairs_answer_id TEXT;
  CREATE TABLE routing_examples (id TEXT PRIMARY KEY, text TEXT NOT NULL, label TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
  CREATE TABLE writing_speeds (
    model_id TEXT NOT NULL, file TEXT NOT NULL, backend TEXT NOT NULL, tokens_per_second REAL NOT NULL, answer_tokens REAL NOT NULL,
    PRIMARY KEY (model_id)
  ) STRICT;
  `,
  `
  CREATE TABLE draft_records (
    model_id TEXT NOT NULL, draft TEXT NOT NULL, file TEXT NOT NULL, backend TEXT NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (model_id, draft)
  ) STRICT;
  `,
  `
  -- ß is found as ss: what has one is indexed anew.
  CREATE TEMP TABLE sharp (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL);
  INSERT INTO sharp
    SELECT e.id, e.kind, c.title FROM search_entries e JOIN conversations c ON c.id = e.source_id WHERE e.kind = 'title'
    UNION ALL SELECT e.id, e.kind, t.text FROM search_entries e JOIN turns t ON t.id = e.source_id WHERE e.kind = 'message'
    UNION ALL SELECT e.id, e.kind, a.text FROM search_entries e JOIN answers a ON a.id = e.source_id WHERE e.kind = 'answer'
    UNION ALL SELECT e.id, e.kind, a.name || char(10) || a.text FROM search_entries e
      JOIN attachments a ON a.id = e.source_id WHERE e.kind = 'attachment';
  DELETE FROM sharp WHERE instr(text, 'ß') = 0 AND instr(text, 'ẞ') = 0;
  DELETE FROM search_titles WHERE rowid IN (SELECT id FROM sharp WHERE kind = 'title');
  DELETE FROM search_texts WHERE rowid IN (SELECT id FROM sharp WHERE kind <> 'title');
  INSERT INTO search_titles (rowid, text) SELECT id, search_text(text) FROM sharp WHERE kind = 'title';
  INSERT INTO search_texts (rowid, text) SELECT id, search_text(text) FROM sharp WHERE kind <> 'title';
  DROP TABLE sharp;
  `,
]

/** How many versions of the schema there have been. */
export const schemaVersion = migrations.length

/**
 * Opens the app's SQLite database (WAL) in a folder that is made when it is not there, and brings its schema up to date; with `version` only to
 * that one, as a former release did.
 */
export function openDatabase(
  file: string,
  { version: wanted = schemaVersion }: { readonly version?: number } = {},
): DatabaseSync {
  mkdirSync(path.dirname(file), { recursive: true })
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 5000 })
  database.function('search_text', { deterministic: true }, (text) =>
    typeof text === 'string' ? indexText(text) : text,
  )
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  for (const [index, migration] of migrations.entries()) {
    if (index < version || index >= wanted) continue
    database.exec(`BEGIN; ${migration} PRAGMA user_version = ${String(index + 1)}; COMMIT;`)
  }
  return database
}
