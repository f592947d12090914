// Kinds of notes, each a recipe: header lines, sentences, signature. Slots in braces are filled by note.ts.

interface Recipe {
  /** Alternatives; one is taken. */
  readonly head: readonly string[];
  /** Sentences with identifiers, sentences without, one section title before so many sentences. */
  readonly identifying: readonly [number, number];
  readonly clinical: readonly [number, number];
  readonly sectioned: boolean;
  readonly foot: readonly string[];
  /** What stands between sentences. */
  readonly join: string;
}

export const recipes: readonly Recipe[] = [
  {
    head: [
      'DISCHARGE SUMMARY\n\nPatient Name: {p.full}\nMRN: {mrn}\nDate of Birth: {date}\nAdmitted: {date}   Discharged: {date}\nAttending: {d.full}, {cred}\nFacility: {org}\n',
      'Discharge Letter\n{org}\n{street}\n{city}, {state} {zip}\n\n{date}\n\nRe: {p.full}, born {date}, {street}, {city}\n',
      'SUMMARY OF HOSPITALIZATION\nNAME: {p.listed}\nUNIT #: {mrn}\nADM DATE: {date}\nDIS DATE: {date}\nDICT: {d.init}\n',
    ],
    identifying: [1, 5],
    clinical: [3, 9],
    sectioned: true,
    foot: [
      '\n{d.full}, {cred}\nD: {date} T: {date} Job {other}',
      '\nDICTATED BY: {d.init}',
      '\nElectronically signed by {d.full} on {date} 11:20',
      '',
    ],
    join: ' ',
  },
  {
    head: [
      'EXAM: CT CHEST WITH CONTRAST\nACCESSION #: {other}\nPATIENT: {p.listed}\nDATE OF EXAM: {date}\nREFERRING: Dr. {d.full}\n',
      'XR KNEE 3 VIEWS {date}\nClinical: {sym}\nCompared: {date}\n',
      'US ABDOMEN COMPLETE\nOrdered by {d.last}, {e.last}\nMRN {mrn}\n',
      'MR BRAIN W/WO\n{p.full} {date} {mrn} REQ: {d.init}\n',
    ],
    identifying: [0, 2],
    clinical: [2, 6],
    sectioned: true,
    foot: ['\nRead by {d.full}, {cred}', '\nSigned by: {d.listed}', '\nDictating: {d.last} {date}', ''],
    join: ' ',
  },
  {
    head: ['{date} 0730: ', 'NURSING NOTE {date}\n', 'Shift note - {e.first}\n', '{date} 2215 ', 'Night RN: ', ''],
    identifying: [1, 4],
    clinical: [1, 5],
    sectioned: false,
    foot: ['\n{e.init} {cred}', ' --{e.full} {cred}', ' {e.last} {cred} {date}', ''],
    join: ' ',
  },
  {
    head: [
      'ED TRIAGE\n{p.last}, {p.first}  {age}{sexletter}  Arrival {date} 14:35\n',
      'EMERGENCY DEPARTMENT NOTE\n{age} y/o {man} BIBA after MVC on {date}.\n',
      'TRIAGE: {age}{sexletter} {sym} ESI 3 {num}\n',
    ],
    identifying: [1, 4],
    clinical: [2, 5],
    sectioned: false,
    foot: ['\nTriage RN {e.last}', '\nSeen by {d.init} {cred} and Dr. {e.last}.', ''],
    join: '\n',
  },
  {
    head: [
      'LABORATORY REPORT\nPatient: {p.listed}  ID: {mrn}  Acct: {other}\nCollected: {date} 06:12\nOrdering: {d.full}\n',
      'COMMENT: ',
      'Path # {other}\nSubmitted by {d.last}\n',
      '',
    ],
    identifying: [0, 2],
    clinical: [1, 4],
    sectioned: false,
    foot: ['\nResults called to {d.last} {date}', '\nPathologist: {d.full}', '\nTech {e.first}', ''],
    join: '\n',
  },
  {
    head: ['NTE|1||', 'OBX|1|TX|||', 'NTE|2|L|', 'OBX|3|FT|22634-0^Path||'],
    identifying: [1, 2],
    clinical: [0, 3],
    sectioned: false,
    foot: ['', '||||||F'],
    join: '\nNTE|2||',
  },
  {
    head: [
      '{org}\n{street}, {city}, {state} {zip}\nTel: {phone}  Fax: {phone}\n\n{date}\n\nDear Dr. {d.last},\n\nRE: {p.full}, DOB {date}\n\n',
      'Dear Colleague,\nre {title} {p.full}, {street}, {city} {zip}\n',
      '{date}\nDear {d.first},\n',
    ],
    identifying: [1, 4],
    clinical: [2, 6],
    sectioned: false,
    foot: [
      '\n\nSincerely,\n{e.full}, {cred}',
      '\n\nKind regards\n\n{e.init}\nConsultant, {org}',
      '\n\nYours truly,\n\n{e.full}\ncc {d.full}',
    ],
    join: ' ',
  },
  {
    head: [
      'TELEPHONE ENCOUNTER {date}\nCaller: {r.full}\n',
      'Msg from {p.full} {phone}: ',
      'Pt called. ',
      'From: {mail}\nTo: care team\n\n',
      'Subject: {p.last}\n',
    ],
    identifying: [1, 4],
    clinical: [0, 3],
    sectioned: false,
    foot: ['\nThanks, {p.first}', '\nTaken by {e.first}', '\n{e.init}', ''],
    join: ' ',
  },
  {
    head: [
      'OPERATIVE REPORT\nPATIENT: {p.full}\nDATE: {date}\nSURGEON: {d.full}, {cred}\nASSISTANT: {e.listed}\n',
      'OP NOTE\n',
      'Procedure Note {date} - {d.last}\n',
    ],
    identifying: [0, 3],
    clinical: [3, 7],
    sectioned: true,
    foot: ['\n{d.init} {date}', ''],
    join: ' ',
  },
  {
    head: [
      '[doctor] hi {p.first} , how are you doing ?\n[patient] i am okay .\n[doctor] ',
      'D: good morning {title} {p.last}. P: hi doctor {d.last}. D: ',
      'so {p.first} is a {age} year old {man} with ',
      '',
    ],
    identifying: [0, 3],
    clinical: [3, 8],
    sectioned: false,
    foot: ['', ' all right thank you {p.first}', ' bye dr. {d.last}'],
    join: ' ',
  },
  {
    head: [
      'PSYCHIATRY INITIAL EVALUATION\nName: {p.full}   Date: {date}\n',
      'Therapy progress note, session with {p.first}\n',
      'Social work: ',
    ],
    identifying: [1, 5],
    clinical: [2, 5],
    sectioned: true,
    foot: ['\n{e.full}, {cred}', ''],
    join: ' ',
  },
  { head: [''], identifying: [0, 1], clinical: [1, 4], sectioned: false, foot: [''], join: ' ' },
  { head: [''], identifying: [0, 0], clinical: [3, 12], sectioned: true, foot: [''], join: '. ' },
  { head: [''], identifying: [1, 2], clinical: [0, 1], sectioned: false, foot: [''], join: '\n' },
];
