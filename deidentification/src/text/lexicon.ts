// Words that look like names and are none: eponyms are recognised by the noun that follows them, the rest by these lists.
/** "Graves' disease", "Foley catheter": the noun that makes a name an eponym. */
export const eponymNouns =
  'disease|syndrome|sign|signs|phenomenon|thyroiditis|procedure|lymphoma|criteria|criterion|test|catheter|drain|scale|score|scores|class|cyst|palsy|esophagus|reflex|reflexes|contracture|protein|respirations?|breathing|tear|line|angina|dementia|classification|fracture|maneuver|manoeuvre|tube|hernia|body|bodies|tumor|sarcoma|chorea|ataxia|node|nodes|cells?|stain|duct|gland|ligament|rings?|triad|index|position|incision|repair|operation|forceps|clamp|retractor|sphincter|disorder|esophagitis|pouch|ulcer|spots?|nodules?|glomerulus|patch|patches|loop|point|coma|filter|boot|brace|method|equation|formula|anastomosis|osteotomy|stage|staging|malformation|anomaly|protocol|murmur|wort|paralysis|pupil|pupils|fascia|angle|solution|bandage|splint|wave|waves|block|cannula|needle|suture|sutures';

/** Eponyms that stand without such a noun, and hyphenated pairs. */
export const eponymWords =
  'Apgar|Hodgkin|Babinski|Romberg|Kussmaul|Foley|Doppler|Bence Jones|Gram|Coombs|Papanicolaou|Kaposi|Glasgow Coma|Child-Pugh|Jackson-Pratt|Mallory-Weiss|Swan-Ganz|Down|Marfan|Cushing|Raynaud|Hashimoto|Parkinson|Alzheimer|Crohn|Wilson|Addison|Still|Bell|Baker|Murphy|Ludwig|Barrett|Dupuytren|Whipple|Hickman|Ranson|Braden|Wells|Duke|Allen|Graves';

const never =
  'dr mr mrs ms mx prof work social neuro-ophthalmology about above access active acute after all allergies allergy also alert an and any are arrived as assessment at attending back bilateral blood bp by call care chest chief chronic clinic clinical collected complaint comparison continue ct current date daily dear denies department diagnosis did discharge discharged disposition do doctor does dob ed eeg ekg elevated electronically emergency exam examination eye eyes family fax female findings follow for from general given good had has have he head heent her hi his history home hospital hpi id if impression in insurance int is it its lab labs last left lungs male md medical medication medications mri mrn my name negative neck neuro new next no none normal not note now nurse objective of on operation operative or our pain past patient pharmacy phone physical physician plan please pleasant positive procedure progress provider psychiatric questions radiology re reason recent recently referring reports result results review right rn room same seen she signed since sincerely so social specimen ssn status stable subjective sugar surgeon surgery tel telephone thank thanks that the their then there they this to today transferred unit unknown until up vital vitals was we were when which who will with without years yes you your hello okay yeah great well mm hmm right sure mother father daughter son sister brother wife husband january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday i he she it resident staff team service cardiology neurology oncology surgery medicine nursing orthopedics gastroenterology pulmonology nephrology urology dermatology psychiatry pediatrics radiology pathology primary pa np pt ot type grade stage class group north south east west';
const notNames = new Set(never.split(' '));

const departments = /(?:ology|ologists?|iatry|iatrics|therapy|tion|ectomy|ostomy|itis|emia|osis)$/;

export function isCommonWord(word: string): boolean {
  const lower = word.toLowerCase();
  return notNames.has(lower) || departments.test(lower);
}

/** Families and places that are words of the language too: in small letters they are the word. */
const ordinary = new Set(
  `long short white black brown green gray grey young old will may april june august mark bill grant rose joy hope faith grace dawn eve art ray guy
  rich frank dean chase hunter page love day rice best bush berry bell stone wood woods hill lake rivers field fields park parks church cook baker
  miller taylor mason carter cooper fisher gardner turner walker bishop king knight duke prince pope price cross good noble strong small little hand
  hands head foot legg bone blood heart hart pain sharp sweet summer winter north south east west one two three test patient case person mother father
  child baby boy girl infant doctor nurse ball banks barber bean beard bird block blue bond booth bridge brook brooks burns butler camp cash chance
  christian clay close cloud cotton dance early english fall farmer fish flower flowers ford forest foster fox free french frost gay glass gold golden
  grave hall harden hardy house ice ivory jack jade jewel key lamb land lane law leaf light line lock lord major man marsh mercy mills money moody moon
  more moss mouse nail page peace pearl penny pepper piper pool porter pound power powers pride quick reason rest rock root ruby rush salt sand sands
  savage say sea seal sellers silver sister skin skinner sky smart snow song sparks spear speed spring star steel sterling stern still story street swan
  tab temple tree true vest virgin wall ward warden waters way wells wing wise wolf worth reading mobile orange lead normal delta crystal angel violet
  gene max jasmine amber ginger olive iris hazel holly robin rusty sandy pat rob sue drew gale kit lance melody misty norm peg rod skip tag van vic
  bone chest cell acid fever stroke liver lung cancer tumor rash cough drain line port tube site flow rate dose units left right`.split(
    /\s+/,
  ),
);

export function isOrdinaryWord(word: string): boolean {
  return ordinary.has(word);
}

/** https://www.census.gov/programs-surveys/popest — cities that notes name without a state. */
export const cities =
  'New York|Los Angeles|Chicago|Houston|Phoenix|Philadelphia|San Antonio|San Diego|Dallas|San Jose|Austin|Jacksonville|Fort Worth|Columbus|Charlotte|Indianapolis|San Francisco|Seattle|Denver|Oklahoma City|Nashville|El Paso|Boston|Portland|Las Vegas|Detroit|Memphis|Louisville|Baltimore|Milwaukee|Albuquerque|Tucson|Fresno|Sacramento|Mesa|Kansas City|Atlanta|Omaha|Colorado Springs|Raleigh|Miami|Virginia Beach|Long Beach|Oakland|Minneapolis|Tulsa|Bakersfield|Wichita|Tampa|Arlington|Aurora|New Orleans|Cleveland|Anaheim|Honolulu|Henderson|Stockton|Riverside|Lexington|Corpus Christi|Orlando|Irvine|Cincinnati|Santa Ana|Newark|Saint Paul|St\\. Paul|Pittsburgh|Greensboro|Lincoln|Durham|Plano|Anchorage|Jersey City|St\\. Louis|Chandler|Madison|Buffalo|Reno|Fort Wayne|Spokane|Boise|Richmond|Baton Rouge|Des Moines|Tacoma|Rochester|Brooklyn|Manhattan|Queens|Bronx|Worcester|Springfield|Providence|Cambridge|Lowell|Salt Lake City|Little Rock|Dayton|Albany|Macon|Eugene|Fargo|Hartford|Syracuse|Knoxville|Chattanooga|Savannah|Charleston|Birmingham|Montgomery|Mobile|Huntsville|Jackson|Toledo|Akron|Grand Rapids|Lansing|Ann Arbor';
