import path from 'node:path'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'

// A program for a test: writes an answer word by word, for ever, and tells how much text there is. Meant to be killed.
const [folder = ''] = process.argv.slice(2)
const conversations = new Conversations(openDatabase(path.join(folder, 'plenum.db')))
const { id } = conversations.create()
const turn = conversations.tree.addTurn(id, {
  text: 'Tell me everything',
  models: [{ id: 'slow', name: 'Slow' }],
})
conversations.live.setState(turn.chosenAnswerId, { kind: 'writing' })
setInterval(() => {
  conversations.live.append(turn.chosenAnswerId, 'word ')
  process.send?.(conversations.turn(turn.id).answers[0]?.text.length)
}, 40)
