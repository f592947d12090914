// DICOM files for tests, made by a writer that is not ours, with a planted identifier in everything that can hold one.
import dcmjs from 'dcmjs';
import { aboutOf, type DicomContext } from '../src/index.ts';
import { pseudonyms } from './fixture.ts';

dcmjs.log.setLevel('silent');

export type Tags = { [tag: string]: { vr: string; Value: unknown[] } };

export const facts = {
  nameParts: ['Zephyrine', 'Quillfeather'],
  identifiers: [{ value: 'MRN-88213377' }],
  addressLines: ['17 Ostrowhisk Lane'],
  telecom: ['555-867-5309'],
};

export const context: DicomContext = {
  dates: 'moved',
  pseudonym: 'P-AAAABBBBCCCCDDDD',
  offsetDays: -70,
  pseudonymOf: pseudonyms('patient'),
  about: aboutOf(facts),
};

/** What must not be in any output, in the bytes of every encoding that a test uses. */
export const canaries = [
  'zephyrine',
  'quillfeather',
  '88213377',
  'ostrowhisk',
  '867-5309',
  '1.2.826.0.1.3680043',
  '19610317',
  'thornquist',
];

export function canariesIn(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString('latin1').toLowerCase();
  return canaries.filter((canary) => text.includes(canary));
}

export const root = '1.2.826.0.1.3680043.8.498';
export const explicit = '1.2.840.10008.1.2.1';

/** The attributes of a small image of 4 by 4 pixels; `tags` come on top. */
export function image(instance: number, tags: Tags = {}): Tags {
  return {
    '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.7'] },
    '00080018': { vr: 'UI', Value: [`${root}.3.${instance}`] },
    '0020000D': { vr: 'UI', Value: [`${root}.1`] },
    '0020000E': { vr: 'UI', Value: [`${root}.2`] },
    '00080020': { vr: 'DA', Value: ['20240318'] },
    '00080030': { vr: 'TM', Value: ['093000'] },
    '00080060': { vr: 'CS', Value: ['OT'] },
    '00100010': { vr: 'PN', Value: ['Quillfeather^Zephyrine'] },
    '00100020': { vr: 'LO', Value: ['MRN-88213377'] },
    '00100030': { vr: 'DA', Value: ['19610317'] },
    '00280002': { vr: 'US', Value: [1] },
    '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
    '00280010': { vr: 'US', Value: [4] },
    '00280011': { vr: 'US', Value: [4] },
    '00280100': { vr: 'US', Value: [8] },
    '00280101': { vr: 'US', Value: [8] },
    '00280102': { vr: 'US', Value: [7] },
    '00280103': { vr: 'US', Value: [0] },
    '7FE00010': { vr: 'OB', Value: [new Uint8Array(16).fill(7).buffer] },
    ...tags,
  };
}

/** A Part 10 file of these attributes, whose file meta information names the instance and an application of the hospital. */
export function fileOf(tags: Tags, transferSyntax = explicit): Uint8Array {
  const dict = new dcmjs.data.DicomDict({
    '00020001': { vr: 'OB', Value: [Uint8Array.of(0, 1).buffer] },
    '00020002': tags['00080016'] ?? { vr: 'UI', Value: [] },
    '00020003': tags['00080018'] ?? { vr: 'UI', Value: [] },
    '00020010': { vr: 'UI', Value: [transferSyntax] },
    '00020016': { vr: 'AE', Value: ['QUILLFEATHER'] },
  });
  dict.dict = tags;
  return new Uint8Array(dict.write({ fragmentMultiframe: false }));
}

/** Reads what we wrote with a reader that is not ours. */
export function readBack(bytes: Uint8Array): { meta: Tags; dict: Tags } {
  const copy = new Uint8Array(bytes).buffer;
  const { meta, dict } = dcmjs.data.DicomMessage.readFile(copy);
  return { meta, dict };
}
