// What people say to an assistant, as templates. `{slot}` is filled with a value of the slot, `(a|b|)` with one of the alternatives.

export const TEMPLATES = {
  play_music: [
    '(please |can you |)play {song} by {artist}',
    '(play|put on|start) (some |) {genre} (music |)(by {artist}|on {service}|from {year}|)',
    'i (want|would like) to hear {song}(| from {artist})( on {service}|)',
    'play the (latest|newest|first|best) (album|record|song|single) by {artist}',
    'listen to {playlist}(| on {service})',
    'let me hear something by {artist} from {year}',
  ],
  add_to_playlist: [
    '(please |)add {song} (by {artist} |)to (my |the |){playlist}( playlist|)',
    'put {artist} (into|on|onto) (my |){playlist}',
    'i want (this|that) (song|album|track|tune) in {playlist}',
    'add another (song|tune|track) by {artist} to the playlist (called |named |){playlist}',
    'include {song} in my list of {genre}',
  ],
  book_table: [
    '(book|reserve|get) (me |us |)a table (for {people} |)at {restaurant}( {time}|)',
    'i need a (table|reservation) for {people} (in {city} |)(at {time}|)',
    '(find|book) a {cuisine} (restaurant|place|bistro|diner) in {city} for {people}( at {time}|)',
    'make a reservation at a (place|restaurant) (that serves|with) {dish} (near|close to) {city}',
    'we are {people} and want to eat {dish} (in {city} |)(at |around ){time}',
  ],
  ask_weather: [
    '(what is|tell me|how is) the (weather|forecast) (in|for) {city}( at {time}|)',
    'will it (rain|snow|be {condition}|get {condition}) in {city}( {time}|)',
    'is it (going to be |){condition} in {city} (now|today|tomorrow|this weekend|{time})',
    'how {condition} (will|is) it (get |be |)(in|near) {city} (around |){time}',
    'what will the weather be (like |)(at|around) {time} (in|near) {city}',
  ],
  set_alarm: [
    '(set|make) (an alarm|a timer|a reminder) (for|at) {time}',
    'wake me (up |)at {time}( with {song}|)',
    'remind me to {task} (at |around ){time}',
    'remind {person} (and me |)to {task}( at {time}|)',
    '(cancel|delete|move) the (alarm|reminder) (at|for) {time}',
  ],
  send_message: [
    '(text|message|tell|write to) {person} (that |)i am (late|on my way|at {place})',
    'send {person} a (message|note|text)( saying meet me at {place}|)( at {time}|)',
    'ask {person} (whether|if) (she|he|they) can {task}( {time}|)',
    'let {person} know (that |)the (meeting|party|game) is at {place}( at {time}|)',
  ],
  find_way: [
    '(how do i get|show me the way|take me|navigate) (from {place} |)to {place}( by {transport}|)',
    'what is the (fastest|shortest|best) way to {place}( by {transport}|)',
    '(when|at what time) does the (next |last |){transport} (to|for) {city} leave( {place}|)',
    'how long does it take to {city} by {transport}(| from {place})',
    'find (me |)a {transport} to {city} that (leaves|arrives) (before|after|at|around) {time}',
  ],
}

const GIVEN =
  'Anna Bela Carlo Dina Emre Farah Georg Hana Iris Jonas Keiko Liam Marta Nadia Omar Paula Quinn Rosa Samir Tilda Uma Viktor Wanda Ximena Yusuf Zora'
const FAMILY =
  'Abara Bergman Castell Dvorak Eklund Ferrari Gruber Hansen Ibarra Jansen Kowal Lindqvist Moreau Novak Okafor Petit Quist Romero Silva Tanaka Urban Vogel Wagner Yilmaz Zeman'
const ADJECTIVE = 'quiet golden broken electric lonely silver crooked midnight velvet hollow burning distant frozen paper restless scarlet'
const NOUN = 'river garden mirror engine summer harbour window thunder lantern orchard compass station feather shadow ocean morning'
const START = 'Al Bar Cor Del Esk Fen Glen Har Ister Kal Lun Mor Nor Ost Pel Ros Sal Tor Ul Ven Wes Yar'
const END = 'ton berg ville mouth field stad minster by ford haven dale grad'

const words = (text) => text.split(' ')
const of = (...lists) => lists.map(words)

/** A slot's values: one part from each list, joined by `glue`. Names are composed so that many in the test split are new. */
export const SLOTS = {
  artist: [
    { parts: of(GIVEN, FAMILY), glue: ' ' },
    { parts: [['the'], words(ADJECTIVE), words(NOUN).map((noun) => `${noun}s`)], glue: ' ' },
  ],
  song: [
    { parts: of(ADJECTIVE, NOUN), glue: ' ' },
    { parts: [words(NOUN), ['of', 'and the', 'in the', 'without a'], words(NOUN)], glue: ' ' },
    { parts: of(NOUN), glue: '' },
  ],
  playlist: [
    { parts: [words(ADJECTIVE), ['hits', 'beats', 'mix', 'evenings', 'classics', 'party']], glue: ' ' },
    { parts: [['music', 'songs'], ['for'], ['running', 'studying', 'cooking', 'driving', 'sleeping', 'a rainy day']], glue: ' ' },
  ],
  genre: [
    { parts: [['jazz', 'folk', 'hip hop', 'techno', 'opera', 'reggae', 'heavy metal', 'soul', 'swing', 'punk', 'blues', 'country']] },
  ],
  service: [{ parts: of('Tunely Soundbox Radiora Wavecast Playhouse'), glue: '' }],
  year: [{ parts: [Array.from({ length: 70 }, (_, i) => String(1955 + i))] }],
  restaurant: [
    { parts: [['the'], words(ADJECTIVE), ['kitchen', 'table', 'fork', 'oven', 'spoon', 'garden']], glue: ' ' },
    { parts: [words(GIVEN).map((name) => `${name}’s`), ['bistro', 'grill', 'diner', 'tavern']], glue: ' ' },
  ],
  people: [{ parts: [['two', 'three', 'four', 'five', 'six', 'seven', 'ten', '2', '3', '4', '8', 'a party of nine', 'my wife and me']] }],
  cuisine: [{ parts: [['thai', 'italian', 'ethiopian', 'mexican', 'vegan', 'korean', 'turkish', 'french', 'persian', 'middle eastern']] }],
  dish: [{ parts: [['noodles', 'pizza', 'falafel', 'dumplings', 'fish soup', 'curry', 'pancakes', 'roast lamb', 'tacos', 'paella']] }],
  city: [
    { parts: of(START, END), glue: '' },
    { parts: [['new', 'port', 'upper', 'saint'], words(START).flatMap((start) => words(END).map((end) => start + end))], glue: ' ' },
  ],
  place: [
    {
      parts: [['the'], ['main', 'old', 'central', 'northern', 'city'], ['station', 'library', 'airport', 'market', 'museum', 'bridge']],
      glue: ' ',
    },
    { parts: [words(FAMILY), ['street', 'square', 'park', 'road', 'stadium']], glue: ' ' },
  ],
  time: [
    { parts: [['six', 'seven', 'eight', 'nine', 'ten', 'noon', 'midnight']] },
    {
      parts: [
        ['6', '7', '8', '9', '10'],
        ['am', 'pm', 'o’clock', 'in the morning', 'tomorrow evening'],
      ],
      glue: ' ',
    },
    {
      parts: [['next', 'this', 'on'], words('monday tuesday wednesday thursday friday saturday sunday'), ['morning', 'night', 'afternoon']],
      glue: ' ',
    },
  ],
  condition: [{ parts: [['hot', 'cold', 'windy', 'foggy', 'stormy', 'humid', 'cloudy', 'freezing', 'sunny', 'chilly']] }],
  person: [
    { parts: of(GIVEN), glue: '' },
    { parts: of(GIVEN, FAMILY), glue: ' ' },
    { parts: [['my'], ['mother', 'brother', 'boss', 'dentist', 'neighbour']], glue: ' ' },
  ],
  task: [
    {
      parts: [
        ['water', 'feed', 'fetch', 'clean', 'paint', 'sell'],
        ['the', 'our'],
        ['plants', 'cat', 'car', 'kitchen', 'bike', 'parcel'],
      ],
      glue: ' ',
    },
    { parts: [['call', 'visit', 'pay', 'meet'], words(GIVEN)], glue: ' ' },
  ],
  transport: [{ parts: [['bus', 'train', 'ferry', 'tram', 'taxi', 'bike', 'night train', 'subway']] }],
}
