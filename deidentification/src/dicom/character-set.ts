// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.12.1.1.2 — texts are read by (0008,0005) and written in UTF-8.
import { refuseDicom } from './dataset.ts';

/** Defined terms (without and with code extensions) and the label by which the platform decodes them. */
const labels: { readonly [term: string]: string } = {
  '': 'windows-1252',
  'ISO_IR 6': 'windows-1252',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 100': 'windows-1252',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 148': 'windows-1254',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 192': 'utf-8',
  'ISO_IR 203': 'iso-8859-15',
  GB18030: 'gb18030',
  GBK: 'gbk',
};
const esc = String.fromCharCode(0x1b);
const extended = new Set(['58', '87', '149', '159']);

/** Escape sequences of code extensions (PS3.3 tables C.12-3 and C.12-4), the sign by which they can be told, and the label. */
const escapes: readonly (readonly [sequence: string, label: string])[] = [
  ['$)C', 'euc-kr'],
  ['$)A', 'gbk'],
  ['$B', 'iso-2022-jp'],
  ['$@', 'iso-2022-jp'],
  ['(B', 'windows-1252'],
  ['(J', 'windows-1252'],
  [')I', 'shift_jis'],
  ['-A', 'windows-1252'],
  ['-B', 'iso-8859-2'],
  ['-C', 'iso-8859-3'],
  ['-D', 'iso-8859-4'],
  ['-F', 'iso-8859-7'],
  ['-G', 'iso-8859-6'],
  ['-H', 'iso-8859-8'],
  ['-L', 'iso-8859-5'],
  ['-M', 'windows-1254'],
  ['-T', 'windows-874'],
];

/** Turns the bytes of a text into the text; undefined when they are none in the character set. */
export type DecodeText = (bytes: Uint8Array) => string | undefined;

const decoders = new Map<string, TextDecoder>();
function decoded(label: string, bytes: Uint8Array): string | undefined {
  let decoder = decoders.get(label);
  if (!decoder) {
    decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
    decoders.set(label, decoder);
  }
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function segment(part: string, first: string): string | undefined {
  const bytes = Buffer.from(part, 'latin1');
  const extension = escapes.find(([sequence]) => part.startsWith(`${esc}${sequence}`));
  if (!extension) return part.startsWith(esc) ? undefined : decoded(first, bytes);
  const [sequence, label] = extension;
  return decoded(label, label === 'iso-2022-jp' ? bytes : bytes.subarray(sequence.length + 1));
}

/** Each escape sequence holds until the next one. */
function decodeExtended(bytes: Uint8Array, first: string): string | undefined {
  const [before = '', ...others] = Buffer.from(bytes).toString('latin1').split(esc);
  const parts = [before, ...others.map((part) => esc + part)];
  const texts = parts.map((part) => segment(part, first));
  return texts.includes(undefined) ? undefined : texts.join('');
}

/** The decoder for a value of Specific Character Set. A set that is not known refuses the content: what can't be read can't be cleaned. */
export function textDecoder(specificCharacterSet: string): DecodeText {
  const terms = specificCharacterSet.split('\\').map((term) => term.trim());
  const plain = terms.map((term) => term.replace(/^ISO 2022 IR /, 'ISO_IR '));
  const unknown = plain.some((term) => labels[term] === undefined && !extended.has(term.replace('ISO_IR ', '')));
  if (unknown) refuseDicom('The character set of the content is not known.', 'not-supported');
  const first = labels[plain[0] ?? ''] ?? 'windows-1252';
  const extensions = terms.length > 1 || terms[0]?.startsWith('ISO 2022') === true;
  return (bytes) => (extensions && bytes.includes(0x1b) ? decodeExtended(bytes, first) : decoded(first, bytes));
}
