// One generated note with the places of what identifies in it: a recipe, a cast of persons, and what happens to notes on their way.
import type { Random } from '../random.ts';
import { composed, composedLine } from './compose.ts';
import { recipes } from './documents.ts';
import * as written from './identifiers.ts';
import { type Choose, chooser } from './identifiers.ts';
import { drawName } from './names.ts';
import { brands, clinical, conditions, eponyms, generics, identifying, numbers, sections, symptoms } from './phrases.ts';

/** What the classifier tells apart; the first is "nothing". */
export const labels = ['O', 'NAME', 'LOCATION', 'ORGANIZATION', 'DATE', 'ID', 'CONTACT', 'AGE_OVER_89'] as const;
type Label = (typeof labels)[number];

interface LabelledSpan {
  readonly start: number;
  readonly end: number;
  readonly type: Label;
}

export interface Note {
  readonly text: string;
  readonly spans: readonly LabelledSpan[];
}

/** What a generator draws from besides its own phrases: sentences and words in which nothing identifies. */
export interface Sources {
  readonly prose: readonly string[];
  readonly english: readonly string[];
}

interface Person {
  readonly first: string;
  readonly middle: string;
  readonly last: string;
}

const particles = ['de', 'van', 'von', 'de la', 'van der', 'di', 'al', 'bin', 'el', 'da', 'dos', 'le', 'St.'];
const kin =
  'wife|husband|daughter|son|mother|father|sister|brother|partner|niece|nephew|aunt|uncle|grandson|granddaughter|cousin|spouse|friend|caregiver|mom|dad|girlfriend|fiance'.split(
    '|',
  );
const credentials = 'MD|M.D.|DO|RN|PA-C|NP|PhD|LCSW|APRN|CRNA|PharmD|MBBS|FNP-C|BSN|DPM|PT|LPN|CNM|FRCP'.split('|');
const states = 'OH|PA|California|TX|NY|Florida|GA|WA|Illinois|MA|MI|North Carolina|AZ|CO|Oregon|NJ|Virginia|TN|MN|Wisconsin'.split('|');
const countries = 'Mexico|India|Germany|Nigeria|Vietnam|Canada|Poland|the Philippines|Brazil|Ethiopia|Ireland|Japan'.split('|');
const institutions =
  'Hospital|General Hospital|Memorial Hospital|Medical Center|Community Hospital|Clinic|Family Practice|Nursing Home|Health Center|Rehabilitation Center|Urgent Care|Surgery Center|University Hospital|Regional Medical Center|Hospice|Pharmacy|Dental|Cancer Institute|Health|Care Home|Infirmary'.split(
    '|',
  );
const companies =
  'Trucking|Construction|High School|Elementary School|Elementary|Middle School|Logistics|Bakery|University|College|Industries|Insurance|Bank|Foods|Farms|Motors|Church|Library|Academy|Steel|Airlines|& Sons|Inc.|LLC|Ltd|GmbH|Cafe|Police Department|Fire Department'.split(
    '|',
  );
const orgWords =
  "St. Mary's|St. Luke's|Mercy|Sacred Heart|Lakeside|Riverside|Mount Sinai|Good Samaritan|Bayview|Hillcrest|Northside|Ridgeway|Summit|Pinecrest|Oakwood|Evergreen|Providence|Holy Cross|Cedar Valley|Sunrise|Harbor|Trinity|Bright Horizons|Acme|Global|Blue Ridge|Three Rivers|King's|Queen Elizabeth".split(
    '|',
  );
const chains =
  'Walgreens|CVS|Walmart|Costco|Aetna|Cigna|Humana|Blue Cross|Kaiser|Amazon|Rite Aid|Starbucks|FedEx|UPS|Ford|Boeing|Target|Safeway|Tesco|Boots'.split(
    '|',
  );

function family(random: Random): string {
  const name = drawName('family', random);
  const draw = random();
  if (draw < 0.05) return `${name}-${drawName('family', random)}`;
  if (draw < 0.09) return `${chooser(random)(particles)} ${name}`;
  if (draw < 0.12) return `O'${name}`;
  return draw < 0.14 ? `${chooser(random)(['Mc', 'Mac', "D'", 'De', 'La'])}${name}` : name;
}

function person(random: Random): Person {
  const first = random() < 0.03 ? `${drawName('given', random)}-${drawName('given', random)}` : drawName('given', random);
  const draw = random();
  const middle =
    draw < 0.25
      ? ` ${written.filled('@.', random)}`
      : draw < 0.3
        ? ` ${drawName('given', random)}`
        : draw < 0.34
          ? written.filled(' @', random)
          : '';
  return { first, middle, last: family(random) };
}

function nameOf({ first, middle, last }: Person, form: string, random: Random): string {
  if (form === 'first') return first;
  if (form === 'last') return last;
  if (form === 'full')
    return `${first}${middle}${random() < 0.9 ? ` ${last}` : ` ${last} ${chooser(random)(['Jr.', 'Sr.', 'III', 'II'])}`}`;
  if (form === 'init') return random() < 0.7 ? `${first.charAt(0)}. ${last}` : `${last}, ${first.charAt(0)}${random() < 0.5 ? '.' : ''}`;
  const listed = `${last}, ${first}${middle}`;
  return random() < 0.5 ? listed : random() < 0.5 ? listed.toUpperCase() : `${last} ${first}`;
}

const enterprises =
  'Ambulance|Ambulance Service|Dental|Dental Group|Physiotherapy|Law Office|Law Firm|Brewing|Mining|Energy|Plumbing|Roofing|Electric|Landscaping|Diner|Grill|Hotel|Inn|Resort|Casino|Theatre|Museum|Zoo|Orchard|Vineyards|Dairy|Fisheries|Shipping|Freight|Transport|Taxi|Garage|Auto|Tires|Hardware|Lumber|Furniture|Textiles|Printing|Press|News|Radio|Software|Systems|Technologies|Solutions|Partners|Group|Holdings|Capital|Realty|Properties|Apartments|Towers|Village|Manor|Lodge|Villa|House|Residence|Assisted Living|Senior Living|Memory Care|Home Care|Home Health|Veterans Home|Detention Center|Correctional Facility|Prison|County Jail|Barracks|Air Force Base|Shelter|Mission|Parish|Temple|Mosque|Synagogue|Cathedral|Kindergarten|Preschool|Daycare|Primary School|Grammar School|Community College|Seminary|Institute|Foundation|Trust|Society|Union|Council|District Hospital|Infirmary|Eye Clinic|Birth Center|Dialysis|Imaging|Laboratory|Labs|Pathology|Orthopaedics|Orthopedics|Pediatrics|Cardiology Associates|Surgical Associates|Women\u2019s Health|Behavioral Health|Mental Health Trust|NHS Trust|Surgery|Practice|Polyclinic|Sanatorium|Klinik|Klinikum|Krankenhaus|Market|Supermarket|Stores|Outfitters|Gym|Fitness|Yoga|FC|Rovers|Youth Center'.split(
    '|',
  );

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** One or two words of the language with the kind of house: "Copper Lantern Dental". */
function namedByWords(choose: Choose, { english }: Sources): string {
  const word = (): string => {
    for (;;) {
      const found = choose(english);
      if (found.length <= 8) return capitalised(found);
    }
  };
  return `${choose(['', '', 'The ', 'Our Lady of ', 'North ', 'Royal ', ''])}${word()}${choose(['', ` ${word()}`, ` ${word()}`, ` & ${word()}`])}`;
}

/** "Fenwick & Daughters", "Amari, Lowe and Pike LLP", "ClearPath": houses that no noun gives away. */
function houseOfNames(random: Random, choose: Choose): string {
  const one = (): string => drawName('family', random);
  return choose<() => string>([
    () => `${one()} & ${choose(['Sons', 'Daughters', 'Co', 'Partners', one()])}`,
    () => `${one()}, ${one()} and ${one()} ${choose(['LLP', 'Law', 'Associates', 'PC'])}`,
    () =>
      `${one()} ${choose(['Bros', 'Brothers', 'Family Dentistry', 'Eye Associates', 'Medical Group', 'Dairy', 'Elementary', 'High', 'Ford', 'Toyota'])}`,
    () => `${drawName('given', random)}\u2019s ${choose(['Place', 'Diner', 'House', 'Auto', 'Kitchen', 'Salon'])}`,
    () =>
      `${choose(['Clear', 'Well', 'Care', 'Med', 'Life', 'True', 'North', 'Blue'])}${choose(['Path', 'Spring', 'Point', 'Bridge', 'Star', 'Way', 'Plus', 'First'])}`,
  ])();
}

function organization(random: Random, choose: Choose, sources: Sources): string {
  const draw = random();
  if (random() < 0.4) {
    const owner =
      random() < 0.6 ? namedByWords(choose, sources) : choose([drawName('places', random), drawName('family', random), choose(orgWords)]);
    return `${owner} ${choose(random() < 0.7 ? enterprises : institutions)}`;
  }
  if (draw < 0.1) return choose(chains);
  if (draw < 0.13) return houseOfNames(random, choose);
  const word = random() < 0.4 ? choose(orgWords) : random() < 0.5 ? drawName('family', random) : drawName('places', random);
  if (draw < 0.2) return `University of ${drawName('places', random)}`;
  return `${word} ${draw < 0.7 ? choose(institutions) : choose(companies)}`;
}

/** A drug that nobody makes, so that the ends of words count and not the list alone. */
function newDrug(random: Random, choose: Choose): string {
  const stem = choose([
    'zel',
    'mor',
    'tri',
    'vel',
    'dax',
    'lur',
    'rom',
    'ben',
    'cor',
    'xan',
    'pel',
    'ator',
    'sita',
    'rivo',
    'olme',
    'neb',
    'quin',
    'fer',
    'ido',
    'pra',
  ]);
  const end = choose([
    'olol',
    'pril',
    'sartan',
    'statin',
    'mab',
    'tinib',
    'azole',
    'cillin',
    'mycin',
    'oxacin',
    'ide',
    'gliptin',
    'zepam',
    'pine',
    'done',
    'xaban',
    'ra',
    'via',
    'eva',
    'ex',
    'or',
    'ix',
    'ane',
  ]);
  const name = `${choose(['', 'a', 'e', 'lo'])}${stem}${end}`;
  return random() < 0.5 ? name : name.charAt(0).toUpperCase() + name.slice(1);
}

interface Cast {
  readonly [role: string]: Person;
}

type Slot = (random: Random, choose: Choose, sources: Sources) => string;

/** Numbers of care that look like dates, telephones or numbers of persons. */
const measures = (
  '#/## on exam|##/27|##/30|20/##|#/6 systolic|#/5 strength|## x ## mm|##.# cm|#.#-#.#|##-##%|## mmHg|### bpm|## bpm|##.#|#,###|##,### cells|' +
  'PHQ-9 ##|GAD-7 was ##/21|MoCA ##/30|## units at 0#00|#-# tablets|q#h|L#-S1|C#-#|T#N#M0|FEV1 #.##|0.##|1:#,###|#+ edema|#/10 pain|##G|##,###/mm3|' +
  'SpO2 9#%|temp 9#.#|10#.# F|#### mL|### mg/dL|wt ###.# lb|## y|#### hours|0#:##|1#:##|room ###|ward #|bed ##|grade #|stage #|x##|#th percentile|' +
  '###.# from ###.#|##/## dioptres|#.# x #.# x #.# cm|LOT pending|## weeks # days|G#P#|EF ##%|BP ###/##, ###/##|pH 7.##|INR #.#|titer 1:###'
).split('|');

const plainSlots: { readonly [slot: string]: Slot } = {
  age: (random) => String(written.between(random, 1, 89)),
  man: (_, choose) => choose(['man', 'woman', 'male', 'female', 'gentleman', 'lady', 'boy', 'girl', 'M', 'F']),
  sexletter: (_, choose) => choose(['M', 'F', 'yo F', ' y/o M']),
  title: (_, choose) => choose(['Mr.', 'Mrs.', 'Ms.', 'Miss', 'Mr', 'Mrs', 'Ms']),
  cond: (_, choose) => choose(conditions),
  sym: (_, choose) => choose(symptoms),
  epo: (_, choose) => choose(eponyms),
  brand: (random, choose) => (random() < 0.25 ? newDrug(random, choose) : choose(brands)),
  gen: (random, choose) => (random() < 0.25 ? newDrug(random, choose).toLowerCase() : choose(generics)),
  drug: (random, choose) => (random() < 0.25 ? newDrug(random, choose) : random() < 0.5 ? choose(brands) : choose(generics)),
  num: (random, choose) => (random() < 0.5 ? choose(numbers) : written.filled(choose(measures), random)),
  kin: (_, choose) => choose(kin),
  cred: (_, choose) => choose(credentials),
  state: (_, choose) => choose(states),
  country: (_, choose) => choose(countries),
};

const identifyingSlots: { readonly [slot: string]: readonly [Label, Slot] } = {
  date: ['DATE', written.date],
  phone: ['CONTACT', written.phone],
  pager: ['CONTACT', (random) => written.filled(random() < 0.5 ? '####' : '#####', random)],
  url: ['CONTACT', written.link],
  ip: ['CONTACT', written.address],
  mail: ['CONTACT', (random) => written.mail(random, drawName('given', random), drawName('family', random))],
  mrn: ['ID', written.recordNumber],
  other: ['ID', written.otherNumber],
  ssn: ['ID', written.socialSecurity],
  plate: ['ID', written.plate],
  vin: ['ID', (random) => written.filled('#@@@@##@#@@######', random)],
  npi: ['ID', (random) => written.filled('##########', random)],
  dea: ['ID', (random) => written.filled('@@#######', random)],
  street: ['LOCATION', written.street],
  city: ['LOCATION', (random) => drawName('places', random)],
  zip: ['LOCATION', written.postalCode],
  org: ['ORGANIZATION', organization],
  old: ['AGE_OVER_89', (random) => String(written.between(random, 90, 108))],
};

class Writer {
  text = '';
  readonly spans: LabelledSpan[] = [];
  readonly #random: Random;
  readonly #choose: Choose;
  readonly #cast: Cast;

  readonly #sources: Sources;

  constructor(random: Random, cast: Cast, sources: Sources) {
    this.#random = random;
    this.#sources = sources;
    this.#choose = chooser(random);
    this.#cast = cast;
  }

  /** Adds a template; slots in braces are filled. */
  add(template: string): void {
    for (const part of template.split(/(\{[a-z.]+\})/)) {
      const slot = /^\{([a-z]+)(?:\.([a-z]+))?\}$/.exec(part);
      if (slot) this.#fill(slot[1] ?? '', slot[2]);
      else this.text += part;
    }
  }

  #fill(slot: string, form: string | undefined): void {
    const one = form === undefined ? undefined : this.#cast[slot];
    if (one && form) {
      this.#span('NAME', nameOf(one, form, this.#random));
      return;
    }
    const identifies = identifyingSlots[slot];
    if (identifies) this.#span(identifies[0], identifies[1](this.#random, this.#choose, this.#sources));
    else this.text += plainSlots[slot]?.(this.#random, this.#choose, this.#sources) ?? '';
  }

  #span(type: Label, value: string): void {
    this.spans.push({ start: this.text.length, end: this.text.length + value.length, type });
    this.text += value;
  }
}

function shuffledParts(random: Random, parts: string[]): string[] {
  for (let i = parts.length - 1; i > 0; i -= 1) {
    const j = written.between(random, 0, i);
    [parts[i], parts[j]] = [parts[j] ?? '', parts[i] ?? ''];
  }
  return parts;
}

const misread: { readonly [sign: string]: string } = {
  l: '1',
  I: 'l',
  O: '0',
  o: '0',
  e: 'c',
  S: '5',
  B: '8',
  i: 'l',
  h: 'b',
  m: 'n',
  a: 'o',
  t: 'f',
  g: 'q',
};

/** Who is in a hurry writes only the names small, or in capitals. */
function recased({ text, spans }: Note, change: (part: string) => string): string {
  let out = '';
  let at = 0;
  for (const { start, end } of spans) {
    out += text.slice(at, start) + change(text.slice(start, end));
    at = end;
  }
  return out + text.slice(at);
}

/** What happens to notes: small letters, capitals, letters misread, line ends lost. All keep the places. */
function worn(note: Note, random: Random): Note {
  const draw = random();
  const { spans } = note;
  let { text } = note;
  if (draw > 0.96) text = recased(note, (part) => part.toUpperCase());
  else if (draw > 0.88) text = recased(note, (part) => part.toLowerCase());
  else if (draw < 0.17) text = text.toLowerCase();
  else if (draw < 0.25) text = text.toUpperCase();
  else if (draw < 0.3) text = text.replace(/[lIOoeSBihmatg]/g, (sign) => (random() < 0.04 ? (misread[sign] ?? sign) : sign));
  if (random() < 0.1) text = text.replaceAll('\n', ' ');
  else if (random() < 0.05) text = text.replaceAll('\n', ',');
  return text.length === note.text.length ? { text, spans } : note;
}

const titled = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** "Medical Reasoning:", "NECK", "- General examination": capitals that are no names. */
function heading(random: Random, choose: Choose, { english }: Sources): string {
  const count = written.between(random, 1, 3);
  const words = Array.from({ length: count }, () => choose(english));
  const form = choose<(word: string, i: number) => string>([
    titled,
    (word) => word.toUpperCase(),
    (word, i) => (i === 0 ? titled(word) : word),
  ]);
  return `${choose(['', '- ', '\u2022 ', '* ', '1. '])}${words.map(form).join(' ')}${choose([':', ':', '', '.', ' -', ', then', ' today'])}`;
}

const scattered =
  '{p.full}|{p.last}|{p.first}|{d.full}|{d.last}|{d.init}|{e.full}|{e.last}|{e.first}|{r.full}|{r.first}|{x.listed}|{x.full}|{x.init}|{org}|{org}|{org}|{city}|{city}|{street}|{street}|{other}|{mrn}|{plate}|{phone}|{mail}|{url}|{date}|{dr}|{title} {p.last}'.split(
    '|',
  );

/** A sentence with something that identifies at any place: then the place says little and the word itself has to. */
function scatter(random: Random, choose: Choose, template: string): string {
  const words = template.split(' ');
  const at = written.between(random, 0, words.length - 1);
  const slot = choose(scattered).replace('{dr}', 'Dr. {d.last}');
  words.splice(at, random() < 0.6 && !words[at]?.includes('{') ? 1 : 0, slot);
  return words.join(' ');
}

/** "Key safe: 22-A0386   Bed three: Okafor": labels of any words, with something behind. */
function formLine(random: Random, choose: Choose, { english }: Sources): string {
  const label = (): string => Array.from({ length: written.between(random, 1, 2) }, () => choose(english)).join(' ');
  const form = choose<(text: string) => string>([capitalised, (text) => text.toUpperCase(), (text) => text]);
  const cells = Array.from({ length: written.between(random, 1, 3) }, () => {
    const value =
      random() < 0.72
        ? choose(scattered).replace('{dr}', '{d.listed}')
        : choose(['{num}', '{drug}', '{cond}', '{age}', '{epo}', 'yes', 'none', '{sym}']);
    return `${form(label())}${choose([': ', ' ', ': ', ' - ', '  '])}${value}`;
  });
  return cells.join(choose(['   ', ', ', '; ', ' ', '\n', ' | ']));
}

function sentence(random: Random, choose: Choose, sources: Sources): string {
  const draw = random();
  if (draw < 0.16) return choose(sources.prose);
  if (draw > 0.9) return scatter(random, choose, random() < 0.6 ? choose(sources.prose) : choose(clinical));
  if (draw > 0.82) return formLine(random, choose, sources);
  return draw < 0.3 ? `${heading(random, choose, sources)} ${choose(clinical)}` : choose(clinical);
}

/** Notes of composed lines, beside those of recipes. */
const composedShare = 0.5;

/** One note with its identifiers. */
export function generatedNote(random: Random, sources: Sources): Note {
  const choose = chooser(random);
  const cast: Cast = { p: person(random), d: person(random), e: person(random), r: person(random), x: person(random) };
  const recipe = choose(recipes);
  const writer = new Writer(random, cast, sources);
  const word = (): string => {
    const found = choose(sources.english);
    return random() < 0.5 ? capitalised(found) : found;
  };
  if (random() < composedShare) {
    writer.add(composed(random, choose, word));
    return worn({ text: writer.text, spans: writer.spans }, random);
  }
  const parts: string[] = [];
  for (let i = written.between(random, ...recipe.identifying); i > 0; i -= 1)
    parts.push(random() < 0.8 ? choose(identifying) : scatter(random, choose, choose(sources.prose)));
  for (let i = written.between(random, ...recipe.clinical); i > 0; i -= 1) parts.push(sentence(random, choose, sources));
  for (let i = written.between(random, 0, 3); i > 0; i -= 1) parts.push(composedLine(random, choose, word));
  writer.add(choose(recipe.head));
  for (const [i, part] of shuffledParts(random, parts).entries()) {
    if (i > 0) writer.add(recipe.join);
    if (recipe.sectioned && random() < 0.4)
      writer.add(`${choose(['\n', '\n\n', ' '])}${choose(sections)}${choose([': ', ':\n', '\n', ' - '])}`);
    writer.add(part);
  }
  writer.add(choose(recipe.foot));
  return worn({ text: writer.text, spans: writer.spans }, random);
}
