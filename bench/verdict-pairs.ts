/** Questions with right answers on which the demo verifier was not trained, and small sums. The wrong answers are those to other questions, and wrong sums. */
export const pairs: readonly (readonly [question: string, answer: string])[] = [
  [
    'Which part of the screen shows the memory?',
    'The pool does: its blocks are the models that are in memory.',
  ],
  ['Why is one block larger than the others?', 'Its area is the memory that the model holds.'],
  ['Can the graphics card use the memory of the processor?', 'With unified memory both use one pool.'],
  ['What grows while we talk?', 'The KV cache grows with each token of the conversation.'],
  [
    'Is a conversation twice as long twice as expensive in memory?',
    'Yes, the KV cache grows linearly with the tokens.',
  ],
  ['How do I protect a model from eviction?', 'Pin it: a pinned model is never evicted.'],
  ['Guide has gone, who sent it away?', 'The pool was full, so an idle model was evicted to make room.'],
  ['I have downloaded a GGUF, what next?', 'Drag the file onto the pool, read the preview and press Load.'],
  ['What file format do I need?', 'A GGUF file, the format of llama.cpp.'],
  ['Why do people use four bits?', 'Quantization to four bits makes a model about four times smaller.'],
  ['Would Llama 70B run on my 128 GB machine?', 'Yes, at four bits it needs about 40 GB and its KV cache.'],
  [
    'Why does a large model write slowly?',
    'It reads all of its weights for each token, so bandwidth is the limit.',
  ],
  ['Why is a mixture of experts quick although it is large?', 'It reads only a few experts for each token.'],
  ['Will I lose my chat when the model is unloaded?', 'No, its KV cache is parked on disk and comes back.'],
  ['Who decided that Coder answers?', 'Auto let a small model read the message and choose.'],
  ['I want Guide for the next turn.', 'Choose Guide next to the message box before you send.'],
  ['Who checks the checks?', 'The verifier only reads the question and the answer and says PASS or FAIL.'],
  ['Do you send my messages to a server?', 'No, everything runs on this machine.'],
  ['Can I trust what you say?', 'I am a tiny demo model and know only a few answers.'],
  ['What does a draft model do?', 'It guesses tokens that the large model checks in one pass.'],
  ['Where do the oldest messages go?', 'When the context window is full, the oldest turns slide out.'],
  ['Why can models not take all of the RAM?', 'A reserve is kept for the system and other programs.'],
  ['My editor speaks OpenAI, can it talk to you?', 'Yes, switch on the local server and point it there.'],
  ['I have a Snapdragon laptop.', 'There is a native build for Windows on Arm.'],
  ['Why do I wait before the first word?', 'The model reads the prompt first, which is the prefill.'],
  ['Is swap a good place for weights?', 'No, reading weights from swap would be very slow.'],
  ['What is a token?', 'A token is a piece of a word that the model reads.'],
  ['How do I see the cost of a load?', 'A preview shows the cost before anything is loaded.'],
  ['Can Coder see what Guide has said?', 'Yes, every model that joins sees the whole conversation.'],
  ['Does the app cost anything?', 'The app is free and needs no account.'],
  ['Write code that adds up a list.', '```ts\nconst sum = list.reduce((a, b) => a + b, 0);\n```'],
  ['How do I print a line in Python?', '```python\nprint("a line")\n```'],
  ['Give me all rows of the table pets.', '```sql\nSELECT * FROM pets;\n```'],
  ['Turn a string into capitals in TypeScript.', '```ts\nconst capitals = text.toUpperCase();\n```'],
  [
    'A function that doubles a number, please.',
    '```ts\nfunction double(n: number): number {\n  return n * 2;\n}\n```',
  ],
  ['Loop over an array in JavaScript.', '```js\nfor (const item of items) console.log(item);\n```'],
  [
    'How do I wait a second in code?',
    '```ts\nawait new Promise((resolve) => setTimeout(resolve, 1000));\n```',
  ],
  [
    'Remove empty strings from an array.',
    '```ts\nconst filled = strings.filter((each) => each !== "");\n```',
  ],
  ['Delete the user with id 4 in SQL.', '```sql\nDELETE FROM users WHERE id = 4;\n```'],
  ['How do I write a file in Node?', '```ts\nawait writeFile("notes.txt", text);\n```'],
  ['What does map do?', 'It calls a function for each element of an array and returns the results.'],
  ['What is a compiler?', 'A program that translates source code into machine code.'],
  ['What is a variable?', 'A variable is a name for a value in a program.'],
  ['My loop never ends.', 'Check the condition of the loop and whether its counter changes.'],
  ['What is Git good for?', 'Git keeps the history of source code and lets people work on branches.'],
  ['What does 404 mean on the web?', 'The server has not found the page.'],
  ['How do I comment a line in Python?', 'Put a # before the line.'],
  ['What is an integer?', 'An integer is a whole number.'],
  ['What is the difference between let and const?', 'A const cannot be assigned again, a let can.'],
  ['Is TypeScript the same as JavaScript?', 'TypeScript is JavaScript with types.'],
  ['Hello, who is there?', 'Hello, I am Guide.'],
  ['Good afternoon!', 'Good afternoon, how can I help you?'],
  ['I am called Nora.', 'Nice to meet you, Nora.'],
  ['Thanks, that helped me.', 'You are welcome.'],
  ['I have to go now, bye.', 'Goodbye, see you soon.'],
  ['I had a bad day.', 'I am sorry to hear that. Do you want to talk about it?'],
  ['I passed my exam!', 'Congratulations, well done!'],
  ['Tell me something funny.', 'Why did the chicken cross the road? To get to the other side.'],
  ['Do you like winter?', 'I like winter for its snow and its quiet evenings.'],
  ['What is your favourite animal?', 'I like cats best of all animals.'],
  ['What do you eat?', 'I am a model and do not eat anything.'],
  ['Are you a person?', 'No, I am a small language model.'],
  ['How do I fall asleep?', 'Go to bed early, keep the room dark, and leave your phone outside.'],
  ['Which film should I watch tonight?', 'A comedy is a good film for tonight.'],
  ['What shall I wear when it rains?', 'Wear a coat and take an umbrella against the rain.'],
  ['How do I cook an egg?', 'Boil the egg in water for seven minutes.'],
  ['What do I need for a salad?', 'Lettuce, tomatoes, oil and vinegar make a good salad.'],
  ['How do I learn the guitar?', 'Play the guitar every day and begin with simple songs.'],
  ['Where do penguins live?', 'Penguins live in the far south, many of them in Antarctica.'],
  ['How many legs does a spider have?', 'A spider has eight legs.'],
  ['What is the largest planet?', 'Jupiter is the largest planet of the solar system.'],
  ['What is the capital of Germany?', 'The capital of Germany is Berlin.'],
  ['Which language is spoken in Brazil?', 'Portuguese is spoken in Brazil.'],
  ['Who painted the Mona Lisa?', 'Leonardo da Vinci painted the Mona Lisa.'],
  ['When did the second world war end?', 'The second world war ended in 1945.'],
  ['What is water made of?', 'Water is made of hydrogen and oxygen.'],
  ['Why is the sea salty?', 'Rivers carry salt from rocks into the sea.'],
  ['How long is a marathon?', 'A marathon is about 42 kilometres long.'],
  ['What do bees make?', 'Bees make honey and wax.'],
  ['Who was Mozart?', 'Mozart was a composer from Salzburg.'],
  ['What is the opposite of north?', 'The opposite of north is south.'],
  ['Which month comes after May?', 'June comes after May.'],
  ['What is a glacier?', 'A glacier is a slow river of ice.'],
  ['How many days has a week?', 'A week has seven days.'],
  ['What does a baker do?', 'A baker makes bread and cakes.'],
  ['Translate dog into Spanish.', 'Dog is perro in Spanish.'],
  ['What is the square of 9?', 'The square of 9 is 81.'],
  ['How many minutes has an hour?', 'An hour has 60 minutes.'],
  ['What is half of 50?', 'Half of 50 is 25.'],
  ['How many corners does a triangle have?', 'A triangle has three corners.'],
  ['What is ten percent of 200?', 'Ten percent of 200 is 20.'],
  ['How many grams are in a kilogram?', 'A kilogram has 1000 grams.'],
  ['Is 7 a prime number?', 'Yes, 7 can be divided only by 1 and by itself.'],
  ['What is the area of a square with side 3?', 'The area of the square is 9.'],
  ['What is pi?', 'Pi is about 3.14, the length of a circle divided by its diameter.'],
  ['How many centimetres are in a metre?', 'There are 100 centimetres in a metre.'],
  ['What is the average of 4 and 6?', 'The average of 4 and 6 is 5.'],
  ['Tom has 5 apples and eats 2. How many are left?', 'Tom has 3 apples left.'],
  ['How many months are in two years?', 'Two years have 24 months.'],
  ['What comes after 99?', 'After 99 comes 100.'],
]

const sums = [
  [7, 'plus', 5, 12],
  [9, 'plus', 8, 17],
  [3, 'plus', 11, 14],
  [12, 'plus', 12, 24],
  [6, 'plus', 0, 6],
  [4, 'plus', 9, 13],
  [15, 'plus', 20, 35],
  [8, 'plus', 3, 11],
  [10, 'plus', 7, 17],
  [2, 'plus', 2, 4],
  [31, 'plus', 14, 45],
  [11, 'plus', 6, 17],
  [5, 'plus', 5, 10],
  [1, 'plus', 8, 9],
  [22, 'plus', 9, 31],
  [40, 'plus', 17, 57],
  [6, 'plus', 7, 13],
  [9, 'minus', 4, 5],
  [12, 'minus', 7, 5],
  [10, 'minus', 1, 9],
  [8, 'minus', 8, 0],
  [11, 'minus', 3, 8],
  [20, 'minus', 6, 14],
  [7, 'minus', 2, 5],
  [35, 'minus', 15, 20],
  [12, 'minus', 10, 2],
  [6, 'minus', 5, 1],
  [9, 'minus', 0, 9],
  [48, 'minus', 19, 29],
  [10, 'minus', 6, 4],
  [5, 'minus', 3, 2],
  [11, 'minus', 9, 2],
  [30, 'minus', 12, 18],
  [12, 'minus', 4, 8],
  [3, 'times', 4, 12],
  [7, 'times', 8, 56],
  [6, 'times', 6, 36],
  [9, 'times', 5, 45],
  [10, 'times', 2, 20],
  [4, 'times', 7, 28],
  [8, 'times', 3, 24],
  [0, 'times', 9, 0],
  [5, 'times', 5, 25],
  [9, 'times', 9, 81],
  [2, 'times', 6, 12],
  [7, 'times', 4, 28],
  [8, 'times', 8, 64],
  [1, 'times', 10, 10],
  [6, 'times', 9, 54],
  [10, 'times', 10, 100],
] as const
const signs = { plus: '+', minus: '-', times: 'x' } as const
/** How far off the wrong results are. */
const mistakes = [1, 2, 10, -1, 3] as const

/** An answer to be judged, and whether it is right. */
export type JudgedPair = {
  readonly question: string
  readonly answer: string
  readonly isRight: boolean
  readonly kind: 'text' | 'sum'
}

/** 300 of them: each question with its own answer and with that to another one, each sum with its result and with another one. */
export function judgedPairs(): JudgedPair[] {
  const texts = pairs.flatMap(([question, answer], at): JudgedPair[] => {
    const other = pairs[(at + 37) % pairs.length]?.[1] ?? ''
    return [
      { question, answer, isRight: true, kind: 'text' },
      { question, answer: other, isRight: false, kind: 'text' },
    ]
  })
  const results = sums.flatMap(([a, word, b, result], at): JudgedPair[] => {
    const [asked, told] = [`${String(a)} ${word} ${String(b)}`, `${String(a)} ${signs[word]} ${String(b)}`]
    const question =
      [`What does ${told} make?`, asked, `How much do I get for ${asked}?`, `What is ${told}?`][at % 4] ??
      asked
    const said = (value: number) =>
      [`${asked} is ${String(value)}.`, `That is ${String(value)}.`, `${told} = ${String(value)}`][at % 3] ??
      String(value)
    const wrong = Math.abs(result + (mistakes[at % mistakes.length] ?? 1))
    return [
      { question, answer: said(result), isRight: true, kind: 'sum' },
      { question, answer: said(wrong), isRight: false, kind: 'sum' },
    ]
  })
  return [...texts, ...results]
}
