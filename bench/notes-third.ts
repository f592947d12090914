// Makes bench/notes-third.jsonl: whole notes written by hand with places for names from lists of their own; shares nothing with ai-operations/training.
// node bench/notes-third.ts > bench/notes-third.jsonl — the file is frozen: figures of it are told once for each version of the model, and nothing is made for it.
import { documents } from './notes-third-documents.ts';

const given =
  'Aurelio Bronwen Cosima Dagny Eluned Fintan Gwendal Hadiza Ingrid Jacinta Kestrel Lorcan Maelys Nneka Orsolya Padraig Quetzal Rosalba Saoirse Tobiah Ulrike Vesna Wenceslao Ximena Yevgeni Zofia Tamsin Bartholomew Cressida Delphine Emeka Folasade Giulietta Harjit Ikechukwu Jaswinder Kailani Ludmila Meera Nikhil Oyelaran Parminder Ramón Siddiqa Thandeka Umberto Violetta Waleed Xiulan Yusuf Zainab Gareth Hamish Imogen Jocelyn Keith Lorraine Maureen Norbert Phyllis Reginald Sylvia Trevor Ursula Vernon Wallace Doris Ernest Gladys Horace Janice Kenneth Leonard Marjorie Roland Shirley Theodore Vivian Dwayne Latisha Terrence Brandi Cody Travis Tanisha Hector Guadalupe Rosario Anh Linh Tuan Hyejin Sungmin Kazuo Yumiko Ahmet Elif'.split(
    ' ',
  );
const family =
  'Abernathy Birtwistle Castellanos Dragomir Eisenhauer Featherstone Grzybowski Halvorsen Iwashita Jankowska Kilbride Lindholm Mbatha Nakagawa Obuasi Pellegrini Quigley Rosenqvist Sandoval Takahara Ugwu Valderrama Wrzesniewski Xanthopoulos Yakubu Zuniga Achterberg Bellweather Crisostomo Dhillon Ekström Farnsworth Ghebremedhin Hollingsworth Ibekwe Jorgensen Kowalczyk Lachance Mulcahy Ndlovu Oduya Prendergast Rademaker Sorokin Trevelyan Uchida Vongphakdy Wickramasinghe Yellowhorse Zaragoza Ashdown Brockway Cantwell Dunleavy Easterbrook Fairweather Gilchrist Hathaway Inglewood Jessop Kirkbride Loughlin Merriweather Norcross Oakeshott Pemberton Ravenscroft Stapleton Thistlewood Underhill Vickers Whitlock Yardley Benavides Cienfuegos Escamilla Figueroa Guerrero Hinojosa Olivares Quintanilla Rodarte Villaseñor Bui Duong Ngo Truong Baek Moon Shin Arslan Demir Yilmaz Haile Worku Diallo Traoré Bianchi Moretti Dubois Lefèvre Grünwald'.split(
    ' ',
  );
const organizations =
  "Thornfield General|Marrowbone Creek Clinic|Saltmarsh Community Hospital|Wexcombe Dental Studio|Harrowgate Veterans Home|Quarry Lane Surgery|Tidewater Orthopaedics|Larkhill Primary School|Pinion Freight|Juniper & Vale Solicitors|Copperleaf Pharmacy|Blackthorn Mutual|Redstone Valley Hospice|St. Brannock's|Ashgrove Care Centre|Kittiwake Shipping|Greywater Utilities|Mossbank High School|Duckworth Tires|Ironbridge Physiotherapy|Sable Point Dialysis|Northmoor University|Willet Brothers Plumbing|Cedarbrook Family Medicine|Halcyon Imaging|Foxglove Daycare|Bellhaven Baptist Church|Old Mill Bakery|Gannet Airways|Stonecutter Brewing|Meridian Blue Insurance|Peregrine Home Health|Ladywell Infirmary|Sunnyvale Trailer Park|Three Oaks Nursing Center|Brightwater Labs|Oxbow Correctional|Rowan Tree Counseling|Yarrow Eye Institute|Kingsmere Maternity".split(
    '|',
  );
const cities =
  'Brackenford|Ulverstone|Petoskey|Chillicothe|Tonopah|Wexcombe|Ballinasloe|Kuopio|Szeged|Guanajuato|Cebu City|Ibadan|Nakhon Pathom|Dunfermline|Opelousas|Sheboygan|Yakima|Kalispell|Moose Jaw|Antigonish|Zacatecas|Bydgoszcz|Trondheim|Coimbatore|Hargeisa|Pago Pago|Truth or Consequences|Little Marlow|Eau Claire|Fond du Lac|Port Angeles|Winnemucca|Cheektowaga|Altoona|Hattiesburg|Marquette'.split(
    '|',
  );
const streetNames =
  'Bramblewick|Old Quarry|Saltbox|Heron Point|Tannery|Larkspur|Gallows Hill|Ferryman|Copper Kettle|Juneberry|Whistling Straits|Mulberry Bend|Candlemaker|Rookery|Driftwood|Sycamore Hollow|Pennyroyal|Harbormaster|Cattail|Windlass'.split(
    '|',
  );
const streetEnds = 'Street|Lane|Rd|Ave|Close|Drive|Court|Blvd|Way|Terrace|Mews|Pl'.split('|');

let state = 777_001;
/** Park and Miller's generator: another one than the training has. */
function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}
const below = (n: number): number => Math.floor(random() * n);
const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
const digits = (pattern: string): string =>
  pattern.replace(/[0A]/g, (sign) => (sign === '0' ? String(1 + below(9)) : 'BCDFGHJKLMNPRSTVWXZ'.charAt(below(19))));
const two = (n: number): string => String(n).padStart(2, '0');
const months = 'January February March April May June July August September October November December'.split(' ');

function date(): string {
  const [y, m, d] = [1938 + below(88), 1 + below(12), 1 + below(28)];
  const name = months[m - 1] ?? '';
  return pick([
    `${m}/${d}/${y}`,
    `${two(m)}/${two(d)}/${two(y % 100)}`,
    `${y}-${two(m)}-${two(d)}`,
    `${name} ${d}, ${y}`,
    `${d} ${name.slice(0, 3)} ${y}`,
    `${two(d)}.${two(m)}.${y}`,
    `${name.slice(0, 3)} ${d}, ${y}`,
    `${two(d)}-${name.slice(0, 3).toUpperCase()}-${y}`,
  ]);
}

const plain = (word: string): string =>
  word
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();

interface Person {
  readonly first: string;
  readonly last: string;
}

const person = (): Person => ({ first: pick(given), last: pick(family) });

const forms: { readonly [form: string]: (p: Person) => string } = {
  n: ({ first, last }) => `${first} ${last}`,
  f: ({ first }) => first,
  l: ({ last }) => last,
  L: ({ first, last }) => `${last}, ${first}`,
  i: ({ first, last }) => `${first.charAt(0)}. ${last}`,
};

const values: { readonly [slot: string]: readonly [string, () => string] } = {
  org: ['ORGANIZATION', () => pick(organizations)],
  city: ['CITY', () => pick(cities)],
  street: ['STREET', () => `${1 + below(9_800)} ${pick(streetNames)} ${pick(streetEnds)}`],
  zip: ['ZIP', () => digits('00000')],
  date: ['DATE', date],
  phone: [
    'PHONE',
    () => digits(pick(['000-000-0000', '(000) 000-0000', '000.000.0000', '+1 000 000 0000', '000 000 0000', '+44 0000 000000'])),
  ],
  mail: [
    'EMAIL',
    () => `${plain(pick(given))}.${plain(pick(family))}@${pick(['postbox.example', 'mail.example.org', 'home.example.net'])}`,
  ],
  url: ['URL', () => `https://${pick(['records', 'visits', 'share'])}.example.org/${digits('A00A00')}`],
  ip: ['IP', () => `${11 + below(180)}.${below(255)}.${below(255)}.${1 + below(250)}`],
  ssn: ['SSN', () => digits('000-00-0000')],
  mrn: ['MRN', () => digits(pick(['0000000', '00-00-00', 'A000000', '00000000']))],
  oid: ['OTHER_ID', () => digits(pick(['AA-00000', '00A0000', 'A00-0000-A', '000000-00', 'AAA0000000']))],
  veh: ['VEHICLE', () => digits(pick(['AAA 0000', '0AAA000', 'AA00 AAA']))],
  plan: ['HEALTH_PLAN', () => digits(pick(['AAA000000000', '0AA0A00AA00']))],
  old: ['AGE_OVER_89', () => String(90 + below(14))],
};

interface Place {
  readonly start: number;
  readonly end: number;
}

interface Made {
  text: string;
  readonly spans: (Place & { readonly type: string })[];
  readonly keep: (Place & { readonly why: string })[];
  readonly neutral: Place[];
}

function made(template: string): Made {
  const note: Made = { text: '', spans: [], keep: [], neutral: [] };
  const cast = new Map<string, Person>();
  for (const part of template.split(/(\{[^{}]+\})/)) {
    const [, slot = '', rest] = /^\{([a-zL]+)(?::([^{}]*))?\}$/.exec(part) ?? [];
    const value = slot === '' ? part : undefined;
    const start = note.text.length;
    if (value !== undefined) note.text += value;
    else if (slot === 'k' || slot === 'u') note.text += pick((rest ?? '').split('~'));
    else if (rest !== undefined) {
      const one = cast.get(rest) ?? person();
      cast.set(rest, one);
      note.text += forms[slot]?.(one) ?? '';
    } else note.text += values[slot]?.[1]() ?? '';
    const place = { start, end: note.text.length };
    if (slot === 'k') note.keep.push({ ...place, why: 'care' });
    else if (slot === 'u') note.neutral.push(place);
    else if (rest !== undefined) note.spans.push({ ...place, type: 'NAME' });
    else if (slot !== '') note.spans.push({ ...place, type: values[slot]?.[0] ?? 'OTHER_ID' });
  }
  const draw = random();
  const changed = draw < 0.14 ? note.text.toLowerCase() : draw < 0.2 ? note.text.toUpperCase() : note.text;
  if (changed.length === note.text.length) note.text = changed;
  return note;
}

const perDocument = 10;
let id = 0;
for (const document of documents) {
  for (let i = 0; i < perDocument; i += 1) {
    process.stdout.write(`${JSON.stringify({ id: `third-${String(id).padStart(4, '0')}`, ...made(document) })}\n`);
    id += 1;
  }
}
