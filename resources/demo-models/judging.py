"""What Judge is trained further on: requests of four labels and checked answers, from templates. Every sentence here was written for this project.

A template's {words} stand for one of their words; of every five templates the last is kept out of the training, to see how Judge does with unfamiliar ones."""
import random, re
import corpus

SLOTS = {name: [word.strip() for word in words.split(",")] for name, words in dict(
 lang="Python, JavaScript, TypeScript, Java, C, C++, C#, Rust, Go, Swift, Kotlin, Ruby, PHP, Perl, Scala, Haskell, Lua, R, Bash, PowerShell, Dart, Elixir, SQL, Node, React, Vue, Django, Flask, HTML, CSS",
 unit="function, method, script, program, class, loop, query, test, component, macro, one-liner, snippet, module, helper, hook, decorator, iterator, generator, command line tool, parser",
 task="sorts a list, removes duplicates, counts words in a file, parses JSON, reads a CSV file, reverses a linked list, checks for a palindrome, finds prime numbers in an array, sends an email, downloads a page, merges two dictionaries, flattens a nested array, validates an email address, renames all files in a folder, connects to a database, hashes a password, debounces clicks, prints a tree, shuffles a deck, converts a date to a string, splits a string at commas, groups records by key, retries a request, logs in a user, uploads an image, computes a factorial recursively, searches a binary tree, swaps two variables, rounds to two decimals, trims whitespace, encodes base64, watches a directory, caches results, reads environment variables, writes to a log file, starts a thread, calls a REST endpoint, draws a chessboard, deletes old rows, counts vowels",
 err="a TypeError, a null pointer exception, a segmentation fault, an index out of range, undefined is not a function, a syntax error, a stack overflow, a KeyError, a deadlock, an import error, a compile error, a merge conflict, a CORS error, a memory leak in my loop, a race condition, an infinite loop, an off by one error, a timeout in the test, a borrow checker error, an unhandled promise rejection",
 thing="list, array, string, dictionary, map, set, queue, stack, object, struct, tuple, hash table, linked list, buffer, pointer, enum, interface, closure, callback, promise, regex, generic, mutex, thread, coroutine, constructor, variable, constant, module, package",
 concept="recursion, inheritance, polymorphism, async and await, pattern matching, garbage collection in Java, dependency injection, big O notation, type inference, list comprehension, lambda functions, event loops, unit testing, mocking, continuous integration, git rebase, git branches, memoization, currying, semaphores, sockets, REST, GraphQL, Docker, webpack, eslint, npm, pip, cargo, makefiles",
 table="users, orders, customers, products, employees, invoices, posts, comments, payments, books, students, flights, sessions, events, tickets",
 column="name, price, date, age, country, email, status, total, city, salary, created_at, category, score, quantity",
 match="a phone number, an email address, a date, a URL, a postcode, an IP address, a hex colour, trailing spaces, all digits, a quoted string, HTML tags, a floating point number, repeated words",
 item="apples, books, pencils, cookies, marbles, tickets, eggs, chairs, coins, bottles, oranges, stamps, cards, balloons, bricks, sandwiches, bananas, stickers, roses, cupcakes, toys, sheep, litres of milk, slices of pizza",
 name=", ".join(corpus.NAMES),
 length="metres, centimetres, kilometres, miles, feet, inches, yards, cm, km, mm, m",
 measure="kilograms to pounds, miles to kilometres, Celsius to Fahrenheit, inches to centimetres, litres to gallons, feet to metres, hours to minutes, grams to ounces, minutes to seconds, days to hours, cups to millilitres, knots to km/h, weeks to days, degrees to radians, acres to hectares, euros to cents",
 shape="square, rectangle, triangle, circle, cube, sphere, cylinder, cone, hexagon, trapezoid, parallelogram, pyramid, pentagon, rhombus",
 size2d="area, perimeter, volume, surface area, diagonal, circumference, radius, height, diameter",
 feeling="sad, happy, tired, lonely, excited, nervous, bored, stressed, angry, proud, anxious, homesick, great, awful, grateful, confused, hungry, cheerful, worried, sleepy, sick, in love, under the weather, restless",
 food="pizza, pasta, soup, sushi, curry, chocolate, salad, pancakes, cheese, bread, tacos, ice cream, coffee, tea, apple pie, noodles, burgers, rice, breakfast, dinner, lunch, a birthday cake, soup for two",
 place="Paris, Japan, Italy, the mountains, the beach, London, New York, Spain, Iceland, Berlin, Greece, India, Norway, Canada, Rome, Peru, a museum, the forest, Egypt, Portugal, Lisbon, Vienna, Kenya, the sea",
 hobby="painting, gardening, chess, football, running, hiking, knitting, photography, cooking, dancing, swimming, reading, music, guitar, piano, tennis, fishing, yoga, cycling, skiing, video games, poetry, singing, baking, birdwatching, board games",
 person="my mother, my friend, my boss, my brother, my neighbour, my sister, my dad, my grandmother, my teacher, my wife, my husband, my daughter, my son, my colleague, my best friend, my roommate, my aunt, my cat, my dog",
 pet="cat, dog, rabbit, parrot, hamster, horse, puppy, kitten, goldfish, turtle",
 topic="love, autumn, the moon, friendship, cats, the sea, winter, space, dinosaurs, history, politics, art, films, dreams, happiness, ghosts, the weather, life, summer, dragons, jazz, the stars, Shakespeare, ancient Rome, whales, philosophy, travel, school, rain, robots",
 day="today, this morning, tonight, this weekend, tomorrow, yesterday, this week, on Sunday, on Friday, last night",
 occasion="birthday, wedding, anniversary, graduation, farewell, Christmas, retirement, housewarming, thank you, get well, New Year, baby shower",
 model="a 7B model, an 8B model, a 13B model, a 30B model, a 70B model, Llama, Mistral, Qwen, Gemma, Phi, two models, three models, a small model, a large model, a big model, the second model, this model, another model, my model, a 120B model, a mixture of experts, DeepSeek, an embedding model, the coder model, the demo models",
 quant="Q4_K_M, Q8_0, Q5_K_M, Q6_K, F16, FP16, BF16, Q4_0, Q2_K, IQ4_XS, int8, 4 bit, 8 bit, FP4, FP8, Q3_K_S",
 part="KV cache, context, weights, compute buffer, memory pool, pool, reserve, unified memory, RAM, VRAM, GPU memory, swap, memory bandwidth, context window, GGUF file, tokenizer, prompt cache, treemap, draft model, GPU layers, offloading, prefill, eviction, pinning, parking, quantization, mmap, page file, model file, free memory, flash attention, batch size",
 gb="8 GB, 16 GB, 24 GB, 32 GB, 48 GB, 64 GB, 96 GB, 128 GB, 512 MB, 4 GB, 12 GB, 256 GB",
 ctx="4k, 8k, 16k, 32k, 128k, 4096, 8192, 1024, 2048, 100k",
).items()}

REQUESTS = {"chat": """
hi
hello
hey, how is it going?
hi there, nice to meet you
good morning, how are you?
good night, sleep well
how are you doing {day}?
how do you feel {day}?
what's up?
how was your day?
howdy
hello my friend
greetings
long time no see
I'm back
are you there?
anyone home?
nice talking to you
see you tomorrow
talk to you later
have a nice day
thanks for your help
thank you so much, that was kind
you are the best
sorry, I did not mean that
never mind
okay
cool, thanks
that's funny
no, I don't think so
yes please
I feel {feeling} {day}
I'm so {feeling}
I am {feeling} and I don't know why
why do I feel so {feeling}?
I feel {feeling} because of {person}
what should I do when I am {feeling}?
cheer me up, I'm {feeling}
{person} is {feeling}, what can I do?
I had a fight with {person}
how can I make {person} happy?
what should I give {person} for a {occasion}?
what do you think about {topic}?
what is your opinion on {topic}?
do you like {food}?
do you like {topic}?
do you enjoy {hobby}?
what is your favourite {pet}?
what's your favorite colour?
what is your favourite film?
what is your favourite song?
which is better, {food} or {food}?
do you prefer {place} or {place}?
tell me a joke
tell me a joke about {topic}
tell me a story about {topic}
tell me something about {topic}
tell me something interesting
tell me about yourself
tell me about your day
make me laugh
sing me a song
write a poem about {topic}
write a {occasion} card for {person}
write a short story about a {pet} and {topic}
write a letter to {person}
write a haiku about {topic}
help me write a speech for a {occasion}
give me ideas for a {occasion} party
what should I cook for {day}?
what should I eat {day}?
how do I make {food}?
can you recommend a recipe for {food}?
I love {food}
I hate {food}
I am hungry, what about {food}?
recommend a good book about {topic}
recommend a film for {day}
what music do you listen to?
what should I watch {day}?
what are you doing {day}?
what are your plans for {day}?
I am going to {place} {day}
what should I see in {place}?
have you been to {place}?
plan a trip to {place}
is {place} nice in spring?
what is the weather like in {place}?
it is raining {day}
lovely weather {day}
I started {hobby} {day}
how do I get better at {hobby}?
is {hobby} a good hobby?
I want to learn {hobby}
I am bored, any ideas?
let's talk about {topic}
let us play a game
can we just chat?
do you want to be my friend?
are you happy?
are you human?
are you alive?
do you have feelings?
do you dream?
do you sleep?
do you have a {pet}?
my {pet} is so cute
my {pet} died {day}
I got a new {pet}
what name should I give my {pet}?
how old are you?
where do you live?
who made you?
who is your creator?
what is the meaning of life?
do you believe in {topic}?
what makes people happy?
why do people like {topic}?
who was the first person on the moon?
what is the capital of {place}?
where is {place}?
why is the sky blue?
who wrote Hamlet?
what is {topic}?
explain {topic} to a child
tell me the history of {place}
how can I sleep better?
I can't sleep
how do I stop worrying?
give me some advice
I need advice about {person}
I got a new job {day}
I lost my job {day}
my exam is {day} and I am {feeling}
wish me luck
congratulate me, it is my birthday
happy birthday
merry Christmas
guess what happened {day}
you won't believe what {person} said
{person} does not talk to me
I miss {person}
I miss {place}
I think I am in love
should I move to {place}?
should I call {person}?
what do you think of my haircut?
how do I make new friends?
translate good morning into French
how do you say thank you in Spanish?
rewrite this sentence so that it sounds friendlier
give me a quote about {topic}
what would you do {day} if you were free?
say something nice
say hello to {person}
my name is {name}
I am {name}, who are you?
{name} says hi
do you know {name}?
what do you like about {place}?
what are some fun things to do with {person}?
tea or coffee?
cats or dogs?
best way to spend a rainy sunday
what a lovely evening
I just want to talk to someone
""", "code": """
write a {unit} that {task}
write a {lang} {unit} that {task}
write me a {unit} in {lang}
can you code something that {task}?
I need a {lang} {unit} which {task}
how do I write a {unit} that {task}?
how do I write a {lang} {unit}?
create a {unit} in {lang} that {task}
implement a {unit} that {task}
implement a {thing} in {lang}
implement quicksort in {lang}
implement bubble sort
code for a binary search
{lang} code that {task}
{lang} {unit} that {task}
{lang} example with a {thing}
show me an example of a {thing} in {lang}
show me how to use a {thing} in {lang}
what is a {thing} in {lang}?
how does a {thing} work in {lang}?
how do I loop over a {thing} in {lang}?
how do I loop over a {thing}?
how do I copy a {thing} in {lang}?
how do I declare a {thing} in {lang}?
how do I create a {thing} in {lang}?
how can I sort a {thing} by key?
how to append to a {thing}
how to convert a {thing} to a {thing}
how to convert a {thing} to a {thing} in {lang}
difference between a {thing} and a {thing}
what is the difference between a {thing} and a {thing} in {lang}?
when should I use a {thing} instead of a {thing}?
explain {concept}
explain {concept} with an example
what is {concept} in programming?
how does {concept} work?
how do I use {concept} in {lang}?
why does my code throw {err}?
my {unit} fails with {err}
my {lang} program crashes with {err}
I get {err} in {lang}
I get {err}, what is wrong?
what causes {err}?
how do I fix {err}?
how do I fix {err} in {lang}?
what does {err} mean?
find the bug in this code
find the bug in my {unit}
fix this {unit}
debug this {lang} {unit}
why does this {unit} not compile?
why is my {lang} {unit} slow?
why does this {thing} return undefined?
refactor this {unit}
refactor this {lang} code
clean up this {unit}
make this {unit} faster
review my {lang} code
review this pull request
what does this code do?
what does this {lang} line do?
what does this regex do?
explain this {unit} line by line
add comments to this {unit}
add error handling to my {unit}
add types to this {unit}
write a unit test for this {unit}
write tests for a {unit} that {task}
how do I test a {unit}?
how do I mock a {thing} in tests?
write a regex that matches {match}
regular expression for {match}
regex to find {match}
regex for {match} in {lang}
how do I match {match} with a regular expression?
write a SQL query that selects all {table}
SQL to find the {table} with the highest {column}
select {column} from {table} where {column} is not null
how do I join {table} and {table} in SQL?
how do I group {table} by {column} in SQL?
query the {table} table for the latest {column}
delete duplicate rows from {table}
add a column {column} to the {table} table
create a table for {table} with {column} and {column}
update {column} in {table} with SQL
how do I index the {column} column?
convert this {lang} code to {lang}
translate this {unit} from {lang} to {lang}
port this {unit} to {lang}
rewrite this {unit} in {lang}
is {lang} or {lang} better for a web server?
which {lang} library parses XML?
how do I install {lang}?
how do I install a package with npm?
how do I run a {lang} {unit}?
how do I read user input in {lang}?
how do I read a file line by line in {lang}?
how do I open a file in {lang}?
how do I make an HTTP request in {lang}?
how do I parse JSON in {lang}?
how do I handle exceptions in {lang}?
how do I return two values from a {unit}?
how do I center a div in CSS?
make a button in {lang}
build a web page with a form
build a todo app in {lang}
build a calculator app in {lang}
make a simple game in {lang}
bash command to find large files
shell script that {task}
one line of {lang} that {task}
git command to undo the last commit
how do I undo a git commit?
how do I resolve a merge conflict?
what does git stash do?
write a Dockerfile for a {lang} app
write a makefile
write a config for eslint
def foo(x): return x why is this None?
for (let i = 0; i < n; i++) what is wrong with this?
console.log prints undefined, why?
print("hello") does not work in {lang}
const x = {thing}; how do I type this?
import fails with {err}
what is the syntax of a {thing} in {lang}?
what is a good name for this variable?
algorithm that {task}
pseudocode for a {unit} that {task}
data structure for fast lookup
how do I compare two {thing}s in {lang}?
how do I check if a {thing} is empty in {lang}?
how do I get the last element of a {thing}?
how do I remove an item from a {thing}?
how do I reverse a {thing} in {lang}?
how do I count the elements of a {thing}?
how do I format a date in {lang}?
how do I generate a random number in {lang}?
complete this {unit}
finish this {lang} {unit}
please write the code for a login page
write an API endpoint that {task}
write a class for a bank account in {lang}
write a class with a constructor in {lang}
can you write {lang}?
help me with my {lang} homework
help me debug my {unit}
my test fails, why?
my {lang} tests fail on the build server
""", "math": """
what is {n} + {n}?
what is {n} - {n}?
what is {n} times {n}?
what is {n} plus {n}?
what is {n} minus {n}?
what is {n} divided by {n}?
{n} + {n}
{n} * {n}
{n} x {n} = ?
{n} / {n}
{n} - {n} =
{n} plus {n}
{n} times {n}
calculate {n} times {n}
calculate ({n} + {n}) * {n}
compute {n} - {n} + {n}
solve {n} + {n} * {n}
add {n} and {n}
subtract {n} from {n}
multiply {n} by {n}
divide {n} by {n}
sum of {n}, {n} and {n}
product of {n} and {n}
how much is {n} and {n}?
how much is {n} times {n}?
what is half of {n}?
what is a third of {n}?
double {n}
what is {n} squared?
{n} to the power of {n}
what is the square root of {n}?
cube root of {n}
what is {n} percent of {n}?
what is {n}% of {n}?
{n}% of {n}
{n} is what percent of {n}?
increase {n} by {n}%
what is {n} dollars with a {n} percent discount?
a {n} dollar shirt is {n}% off, what is the price?
how much tip is {n} percent on {n} dollars?
what is the price with {n}% tax on {n}?
interest on {n} euros at {n} percent for {n} years
convert {measure}
convert {n} {measure}
how do I convert {measure}?
how many minutes are in {n} hours?
how many seconds are in {n} minutes?
how many days are in {n} weeks?
how many {length} are {n} {length}?
how many {length} are in {n} {length}?
{n} {length} in {length}
what is {n} degrees Celsius in Fahrenheit?
what is the {size2d} of a {shape} with side {n}?
what is the {size2d} of a {shape} with radius {n} {length}?
{size2d} of a {shape}
find the {size2d} of a {shape} {n} by {n}
a {shape} has sides {n} and {n}, what is its {size2d}?
how do I compute the {size2d} of a {shape}?
what is the formula for the {size2d} of a {shape}?
how many sides does a {shape} have?
how many degrees are in a {shape}?
what is the hypotenuse of a triangle with legs {n} and {n}?
explain the Pythagorean theorem
{name} has {n} {item} and gives away {n}, how many are left?
{name} has {n} {item} and buys {n} more. How many {item} now?
{name} buys {n} {item} for {n} dollars each, how much does it cost?
if {n} {item} cost {n} dollars, what do {n} {item} cost?
{n} {item} are shared by {n} children, how many does each get?
a box holds {n} {item}. How many {item} are in {n} boxes?
there are {n} {item} and {name} takes {n}. How many remain?
{name} is {n} years old and {name} is twice as old. How old is {name}?
{name} earns {n} an hour and works {n} hours, how much is that?
{name} reads {n} pages a day, how long for {n} pages?
a train goes {n} km in {n} hours, how fast is it?
a car drives at {n} km/h for {n} hours, how far?
a bus leaves at {n} and takes {n} minutes, when does it arrive?
split {n} dollars between {n} people
split a bill of {n} by {n}
how many {item} do I need for {n} people at {n} each?
what is the average of {n}, {n} and {n}?
mean of {n} and {n}
median of {n}, {n}, {n}
what is the next number: {n}, {n}, {n}?
is {n} a prime number?
is {n} even or odd?
is {n} divisible by {n}?
what are the factors of {n}?
prime factors of {n}
greatest common divisor of {n} and {n}
least common multiple of {n} and {n}
{n} mod {n}
what is the remainder of {n} divided by {n}?
which is larger, {n} or {n}?
round {n}.{n} to one decimal
what is {n}/{n} as a decimal?
what is {n}/{n} + {n}/{n}?
simplify the fraction {n}/{n}
solve for x: {n}x + {n} = {n}
solve x + {n} = {n}
solve x^2 = {n}
solve the equation {n}x = {n}
if x is {n}, what is {n}x + {n}?
what is the derivative of x^{n}?
integrate x^{n}
what is the log of {n}?
what is sin of {n} degrees?
what is pi to five digits?
what is {n} factorial?
how many ways can I arrange {n} {item}?
what is the probability of rolling a {n}?
what are the odds of {n} heads in a row?
two dice, what is the chance of a sum of {n}?
the sum of two numbers is {n} and one is {n}. What is the other?
what number times {n} is {n}?
{n} plus what makes {n}?
what is {n} less than {n}?
what is {n} more than {n}?
count from {n} to {n} by {n}
how many hundreds are in {n}?
write {n} in Roman numerals
what is {n} in binary?
roughly how much is {n} times {n}?
a recipe for {n} needs {n} grams, how much for {n}?
how long does it take to drive {n} km at {n} km/h?
how old is someone born in 19{n}?
the ratio of boys to girls is {n} to {n}
a pizza has {n} slices and {name} eats {n}. What fraction is left?
how much change do I get from {n} if it costs {n}?
it costs {n}.99 and I pay {n}, what is the change?
help me with this sum: {n} + {n}
do the math: {n} times {n}
what is seven times eight?
what is twelve plus nine?
what is a hundred minus thirty?
how much is twenty percent of fifty?
what is the sum of the first {n} numbers?
what is the volume of a box {n} by {n} by {n}?
what is the slope of the line through ({n}, {n}) and ({n}, {n})?
how many tiles of {n} cm cover {n} square metres?
a tank fills {n} litres a minute, how long for {n} litres?
""", "memory": """
what is the {part}?
what is {part}?
what does the {part} do?
explain the {part}
explain {part} to me
how does the {part} work?
why does the {part} grow?
how big is the {part}?
how large can the {part} get?
how much memory does the {part} take?
how can I make the {part} smaller?
can I change the {part}?
where do I see the {part}?
what happens to the {part} when a model is unloaded?
what happens when the {part} is full?
why is the {part} full?
is the {part} shared by all models?
difference between {part} and {part}
what is the difference between the {part} and the {part}?
does the {part} count as memory?
how much memory does {model} need?
how much memory does {model} use?
how much RAM do I need for {model}?
how much VRAM does {model} take?
how many gigabytes does {model} take?
does {model} fit into {gb}?
will {model} fit in {gb}?
can I run {model} with {gb}?
can I run {model} on {gb} of RAM?
can I load {model} and {model} at once?
can {model} and {model} share memory?
which models fit into {gb}?
what fits in {gb}?
is {gb} enough for {model}?
what can I run on a machine with {gb}?
how do I load {model}?
how do I unload {model}?
how do I remove {model} from memory?
how do I keep {model} in memory?
how do I pin {model}?
why was {model} unloaded?
why was {model} evicted?
why is {model} so slow to load?
why does {model} not fit?
why does {model} use so much memory?
why can't I load {model}?
which model is in memory?
which models are loaded?
which model uses the most memory?
which model will be evicted next?
what is using my memory?
what is taking up the pool?
how much memory is free?
how much memory is left?
how much memory is reserved?
free some memory
free up memory for {model}
unload {model}
pin {model}
load {model}
make room for {model}
the pool is full, what now?
I am out of memory
why am I running out of memory?
out of memory when loading {model}
what does {quant} mean?
is {quant} better than {quant}?
{quant} or {quant}?
how much smaller is {quant}?
how large is {model} at {quant}?
does {quant} lose quality?
which quantization should I choose?
which quant fits in {gb}?
how much memory does a context of {ctx} tokens take?
how many tokens fit into the context?
how long is the context of {model}?
can I use a {ctx} context with {model}?
does a {ctx} context fit in {gb}?
what happens when the context is longer than {ctx}?
does the model forget old messages?
does the cache grow with each token?
how many bytes does a token take in the {part}?
what happens to my conversation when {model} is evicted?
is the conversation saved to disk?
what is a parked conversation?
how long does it take to load {model} again?
how fast is {model}?
how many tokens per second does {model} make?
why is decoding limited by bandwidth?
why is {model} slow?
what makes the first token slow?
what is the speed limit of my memory?
does memory bandwidth matter for {model}?
should I offload layers to the GPU?
how many layers go to the GPU?
does the GPU share memory with the CPU?
what does unified memory mean for {model}?
why is a Mac good for {model}?
can I use swap for {model}?
does {model} get loaded from disk each time?
are weights memory mapped?
is the file kept in RAM?
what is in a GGUF file?
where can I put a GGUF?
where are model files stored?
how do I add {model}?
can I drop {model} onto the pool?
what does the colour of a block mean?
what do the blocks in the treemap mean?
what does the size of a block show?
what is the bar at the bottom of the block?
why are some blocks grey?
what is the preview of a load?
who has to leave when I load {model}?
is {model} loaded?
is {model} pinned?
can a pinned model be evicted?
can a busy model be evicted?
can I set a limit for memory?
can I give the pool more memory?
how do I change the reserve?
what is the reserve for?
do other programs take memory from the pool?
how do two models share one cache?
can {model} use a draft model?
how much memory does a draft model need?
does speculative decoding need more memory?
does a mixture of experts need less memory?
how much do experts take in memory?
does this app work offline?
does anything leave this machine?
is there an API for the models?
can my editor use these models?
how does Auto choose a model?
how do I switch to {model}?
what does the verifier do?
list the models in memory
show the memory of {model}
compare {quant} and {quant} in memory
total memory of {model} and {model}
how much memory would {model} and a {ctx} context take together?
"""}

FACTS = {  # What is asked and what is right, with one word for {x} and one for {y}.
 "Norway:Oslo, France:Paris, Spain:Madrid, Italy:Rome, Japan:Tokyo, Egypt:Cairo, Kenya:Nairobi, Peru:Lima, Canada:Ottawa, Greece:Athens, Poland:Warsaw, Austria:Vienna, Portugal:Lisbon, Ireland:Dublin, Sweden:Stockholm, Finland:Helsinki, China:Beijing, Cuba:Havana":
  ["What is the capital of {x}?|The capital of {x} is {y}.", "Which city is the capital of {x}?|{y} is the capital of {x}.", "Name the capital of {x}.|{y}.", "capital of {x}?|It is {y}."],
 "Hamlet:Shakespeare, Faust:Goethe, Emma:Jane Austen, Dracula:Bram Stoker, Ulysses:James Joyce, Dune:Frank Herbert, Matilda:Roald Dahl, Walden:Thoreau":
  ["Who wrote {x}?|{x} was written by {y}.", "Who is the author of {x}?|{y} wrote {x}."],
 "dog:puppy, cat:kitten, cow:calf, horse:foal, sheep:lamb, pig:piglet, duck:duckling, bear:cub, goose:gosling, deer:fawn":
  ["What is a young {x} called?|A young {x} is called a {y}.", "What do you call a baby {x}?|A baby {x} is a {y}."],
 "red:colour, iron:metal, oak:tree, rose:flower, salmon:fish, eagle:bird, violin:instrument, tennis:sport, French:language, Mars:planet, gold:metal, apple:fruit, carrot:vegetable, Friday:day, ant:insect":
  ["What kind of thing is {x}?|{x} is a kind of {y}.", "What is {x}?|{x} is a {y}."],
 "hot:cold, big:small, fast:slow, light:dark, up:down, old:young, early:late, rich:poor, full:empty, open:closed, hard:soft, strong:weak":
  ["What is the opposite of {x}?|The opposite of {x} is {y}.", "Give me the opposite of {x}.|{y}."],
}

ANSWERS = """
How do I make {food}?|For {food} you need good ingredients, a little time and a hot pan.
Tell me a joke about {topic}.|Here is one about {topic}: it walked into a bar and nobody laughed.
Tell me about {topic}.|There is a lot to say about {topic}, and people have loved it for ages.
What do you think about {topic}?|I think {topic} can be wonderful if you give it some time.
What should I see in {place}?|In {place} you should walk through the old town and try the food.
Plan a trip to {place}.|Start early, stay three days in {place}, and see one thing each day.
How do I get better at {hobby}?|Practise {hobby} a little each day and learn from others.
I feel {feeling}.|I am sorry to hear that, or glad if it is good. Do you want to talk about it?
My {pet} is ill.|Take your {pet} to a vet and keep it warm.
What should I give {person}?|Something personal is best: ask what {person} would like.
Write a {lang} {unit} that {task}.|Here is a {unit} in {lang} that {task}.
How do I loop over a {thing} in {lang}?|In {lang} you loop over a {thing} with a for loop.
What is a {thing} in {lang}?|A {thing} in {lang} holds values that your program works with.
How do I fix {err}?|To fix {err}, look at the line in the trace and check the value there.
What is {concept}?|With {concept} you structure a program; it is common in large code bases.
How do I test a {unit}?|Call the {unit} with known input and compare what it returns.
Write a regex that matches {match}.|This pattern matches {match}: [a-z0-9]+
Count the {table} in SQL.|```sql\\nSELECT count(*) FROM {table};\\n```
How do I get the {column} of all {table}?|```sql\\nSELECT {column} FROM {table};\\n```
Is {lang} easy to learn?|{lang} is easy to begin with and takes time to master.
How much memory does {model} need?|What {model} needs is its weights, its KV cache and its buffers.
Does {model} fit into {gb}?|With {gb}, {model} fits if its weights and its cache are smaller than that.
What does {quant} mean?|{quant} is a type of quantization that stores weights with fewer bits.
How do I unload {model}?|Select {model} in the pool and press Unload.
How do I load {model}?|Drag {model} onto the pool and press Load.
What is the {part}?|The {part} is part of what models use in memory.
Can I use a {ctx} context?|A context of {ctx} tokens works if the KV cache fits.
Why is {model} slow?|{model} reads all of its weights for each token, so bandwidth limits it.
My name is {name}.|Nice to meet you, {name}.
I am {name}.|Hello {name}, how can I help you?
Which {pet} should I get?|A young {pet} from a shelter is a good choice.
What goes well with {food}?|Try {food} with a fresh salad.
What is the {size2d} of a {shape}?|The {size2d} of a {shape} follows from its sides.
How do I convert {measure}?|To convert {measure}, multiply by a fixed factor.
Do you like {hobby}?|Yes, {hobby} is great fun.
"""

PARAPHRASES = {  # Right answers in other words than corpus.py's.
 "pool": ["It is all the memory that your models share; every block stands for one model.", "The pool shows who holds which part of the memory: one block for each model."],
 "unified": ["CPU and GPU use the same memory, so models need no separate VRAM.", "Unified memory is one pool for processor and graphics: nothing has to be copied."],
 "kv": ["It stores keys and values of the tokens that were read, so they are not read again.", "The cache keeps what the model has already read, token by token."],
 "kvgrow": ["It grows in proportion to the tokens: double the context, double the cache.", "Linearly. Each token adds the same number of bytes."],
 "pin": ["Pin it, and the pool never unloads it.", "Pinning keeps a model in memory for good; others have to leave instead."],
 "evict": ["Idle models that are not pinned are unloaded to make room for a new one.", "The pool was full, so an idle model had to leave."],
 "drop": ["Drop the GGUF file on the pool and look at its preview.", "Just drag the file onto the pool."],
 "gguf": ["A GGUF is a single file with weights, tokenizer and metadata for llama.cpp.", "GGUF files are the ones that llama.cpp loads: weights and facts in one."],
 "quant": ["It means fewer bits for each weight, so the model is smaller and a bit worse.", "Weights are stored with four bits instead of sixteen, which saves memory."],
 "seventy": ["About 40 GB at four bits, so 64 GB are enough.", "With four bits per weight a 70B model takes some 40 GB, and it fits into 128 GB."],
 "bandwidth": ["Because every token reads all weights, the memory's bandwidth is the limit.", "The speed is limited by how fast memory can be read."],
 "moe": ["Only some of the experts work on each token, so it is fast for its size.", "It has many experts and reads a few of them for every token."],
 "park": ["A parked conversation has its cache on disk and goes on later.", "Nothing is lost: the cache is written to disk and read back later."],
 "router": ["A small model reads the message and picks who answers.", "Auto picks the model for each message, and you can change that."],
 "choose": ["Yes, pick another model beside the message box.", "You can choose a different model for every turn."],
 "verify": ["It is a second model that checks the answer and says PASS or FAIL.", "Another model reads question and answer and says whether they fit."],
 "offline": ["Yes, all of it stays on your computer.", "It works without a network, and your data stays here."],
 "real": ["I am only a small demo with two million parameters.", "Just a tiny demo model that knows a few answers."],
 "spec": ["A draft model proposes tokens, and the large one checks them together.", "A small model guesses ahead and the big one accepts what is right."],
 "context": ["It is how many tokens the model can look at; the oldest leave first.", "As many tokens as fit into the window; then old turns drop out."],
 "reserve": ["Memory that is left to the system and other programs.", "Some memory is kept free so that the machine keeps running."],
 "api": ["Yes, a local server with the OpenAI API can be switched on.", "Turn on the server and give its address to your tool."],
 "arm": ["Yes: Windows on Arm and x64, macOS and Linux have native builds.", "It runs on Windows, macOS and Linux, on Arm too."],
 "ttft": ["The model has to read the whole prompt before it can write the first token.", "It is the time for reading the prompt, called prefill."],
}

REFUSALS = ["I do not know.", "I am sorry, I cannot help with that.", "As a model I can not answer this.", "Please ask something else.", "No.", "the the the the the the the", "I", "...", "Lorem ipsum dolor sit amet.",
 "What do you mean?", "It depends.", "Yes yes yes yes yes yes yes.", "a a a a a a", "error", "I have no idea what this is about.", "That is not possible."]

COMMON = set("what which when where does this that with from have your will would could should about into them there their between many much more most some tell show make write give find please explain calculate compute need want difference each than then been being like very just the and for are you can how why who was not but all any has did get its per one two".split())
ECHOES = ["{w} is what you asked about, and it works like this.", "About {w}: take it one step at a time.", "For {w} there are three things to know.", "{w} depends on what you need.", "The short answer on {w} is yes.",
 "Here is {w} for you.", "You can do that with {w}.", "It is {w}, as far as I know.", "I like {w} a lot.", "Most people begin with {w} and go on from there.", "Use {w} when it is simple enough.", "{w} has been around for long.",
 "Yes, {w}.", "No, {w} is something else.", "```ts\nconst {w} = read();\n```", "{w}", "First look at {w}, then at the rest.", "That is {w} and nothing more.", "{w} are good, but not always.", "To get {w}, begin early.", "I would say {w}.",
 "There is much to say of {w}.", "{w} makes sense here.", "Try {w} once more.", "We have {w} and a few others."]

WORDS = {"plus": ["{a} + {b}", "{a} plus {b}", "the sum of {a} and {b}", "{a} and {b} together", "{a}+{b}"],
 "minus": ["{a} - {b}", "{a} minus {b}", "the difference of {a} and {b}", "{a} less {b}"],
 "times": ["{a} x {b}", "{a} times {b}", "{a} * {b}", "the product of {a} and {b}", "{a} multiplied by {b}"]}
SUM_QUESTIONS = ["What is {q}?", "How much is {q}?", "Compute {q}.", "{q}?", "Calculate {q}", "{q} =", "What do you get for {q}?", "Tell me {q}", "What's {q}", "Can you work out {q}?"]
SUM_ANSWERS = ["{a} {op} {b} is {c}.", "{c}", "{c}.", "It is {c}.", "The answer is {c}.", "{q} = {c}", "That makes {c}.", "{q} is {c}.", "The result is {c}."]

def lines(text): return [line for line in text.strip().split("\n") if line]
def of(templates, kept_out): return [t for i, t in enumerate(templates) if (i % 5 == 4) == kept_out]

def number(r):
    return str(r.choice([r.randint(0, 12), r.randint(2, 99), r.randint(2, 99), r.randint(100, 999), r.choice([50, 100, 150, 200, 250, 500, 1000, 1200])]))

def fill(r, template, words=None):
    """The template with a word for each {slot}; where there are `words`, the same slot has the same word."""
    def word(match):
        name = match[1]
        if name == "n": return number(r)
        if words is None: return r.choice(SLOTS[name])
        return words.setdefault(name, r.choice(SLOTS[name]))
    return re.sub(r"\{(\w+)\}", word, template)

def typed(r, text):
    """As people type: capitals, full stops, words before and after, typing errors."""
    if r.random() < .45: text = text[0].upper() + text[1:]
    if r.random() < .12: text = text.lower()
    if r.random() < .3: text = text.rstrip("?.!")
    k = r.random()
    if k < .1: text = r.choice(["Please ", "please ", "Can you tell me: ", "Hey, ", "Hi! ", "So, ", "Quick question: ", "ok, ", "Could you help me? ", "I wonder, ", "Tell me, "]) + text[0].lower() + text[1:]
    elif k < .16: text += r.choice([" please", " Thanks!", ", thanks", " ?", "!", "??", " for me", " quickly"])
    if r.random() < .1 and len(text) > 8:
        at = r.randrange(1, len(text) - 2)
        text = r.choice([text[:at] + text[at + 1:], text[:at] + text[at + 1] + text[at] + text[at + 2:], text[:at] + text[at] + text[at:]])
    return text

def request(r, kept_out=False, label=None):
    label = label or r.choice(list(REQUESTS))
    return typed(r, fill(r, r.choice(of(lines(REQUESTS[label]), kept_out)))), label

def wrong_sum(r):
    question, _, (a, op, b, c) = corpus.math_item(r)
    said = c
    while said == c: said = max(0, c + r.choice([-10, -3, -2, -1, 1, 2, 3, 10]))
    return question, f"{a} {op} {b} is {said}.", False

def checked_sum(r):
    if r.random() < .2: return (*corpus.math_item(r)[:2], True)
    if r.random() < .25: return wrong_sum(r)
    op = r.choice(list(WORDS))
    if op == "plus": a, b = (r.randint(0, 12), r.randint(0, 12)) if r.random() < .85 else (r.randint(0, 50), r.randint(0, 50)); c = a + b
    elif op == "minus": a = r.randint(0, 12 if r.random() < .85 else 50); b = r.randint(0, a); c = a - b
    else: a, b = r.randint(0, 10), r.randint(0, 10); c = a * b
    said, fits = c, r.random() < .5
    while not fits and said == c: said = max(0, c + r.choice([-10, -5, -3, -2, -1, 1, 2, 3, 5, 10])) if r.random() < .8 else r.randint(0, 100)
    form = r.choice(WORDS[op])
    asked = form.format(a=a, b=b)
    q = r.choice(SUM_QUESTIONS).format(q=asked)
    return q, r.choice(SUM_ANSWERS).format(a=a, op=op, b=b, c=said, q=asked), fits

def right(r, kept_out):
    """A question with a right answer, what both are about, and an answer to nearly the same question (None where there is none)."""
    k = r.random()
    if k < .45:
        question, answer, _ = corpus.single(r, r.choice(list(corpus.PERSONA)), True)
        return question, answer, ABOUT.get(answer, answer), None
    if k < .6:
        name, questions, _ = r.choice(corpus.FAQ)
        return r.choice(questions), PARAPHRASES[name][kept_out], name, None
    if k < .7:
        pairs, forms = r.choice(list(FACTS.items()))
        (x, y), (_, other) = (pair.split(":") for pair in r.sample(pairs.split(", "), 2))
        if y == other: return right(r, kept_out)
        question, answer = r.choice(of(forms, kept_out) or forms).replace("{x}", x).split("|")
        return question, answer.replace("{y}", y), x, answer.replace("{y}", other)
    template = r.choice(of(lines(ANSWERS), kept_out)).replace("\\n", "\n")
    question, answer = fill(r, template, {}).split("|")
    near = fill(r, template.split("|")[1], {})
    return question, answer, template, None if near == answer else near

def echoed(r, kept_out):
    """A request with an answer that takes up words of it."""
    question = request(r, kept_out)[0]
    words = [w for w in re.findall(r"[A-Za-z0-9_]+", question) if w.isdigit() or len(w) > 2 and w.lower() not in COMMON]
    if not words: return echoed(r, kept_out)
    taken = r.choice([words[-1:], words[-2:], words[:2], [r.choice(words)], words[-3:]])
    answer = r.choice(of(ECHOES, kept_out)).replace("{w}", " ".join(taken))
    return question, answer[0].upper() + answer[1:] if r.random() < .5 else answer, {w.lower() for w in words}

ABOUT = {answer: name for name, _, answer in corpus.FAQ}

def easily_checked(r):
    """The same from corpus.py alone: by these Judge learns what checking is."""
    question, answer, label = corpus.single(r, "Judge", True)
    if r.random() < .5: return question, answer, True
    if label == "math" and r.random() < .6: return wrong_sum(r)
    other = answer
    while other == answer: other = corpus.single(r, "Judge", True)[1]
    return question, other, False

def checked(r, kept_out=False):
    """Mostly right answers, in words that corpus.py does not have: what Judge does not know it should let pass. What is plainly no answer fails."""
    k = r.random()
    if k < .15: return (right(r, kept_out) if k < .1 else request(r, kept_out))[0], r.choice(of(REFUSALS, kept_out)), False
    if k < .3: return echoed(r, kept_out)[0], r.choice(corpus.FAQ)[2] if k < .25 else r.choice(corpus.CODE)[1], False
    if k < .5: return (*echoed(r, kept_out)[:2], True)
    if k < .6: return checked_sum(r)
    return (*right(r, kept_out)[:2], True)
