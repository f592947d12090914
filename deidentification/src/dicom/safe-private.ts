// https://dicom.nema.org/medical/dicom/current/output/html/part15.html#table_E.3.10-1 — private attributes known to be safe; numbers only.
import { asciiOf, type DicomDataset, groupOf } from './dataset.ts';

/** Creator, group, element without its block, representation. */
const safe: readonly (readonly [creator: string, group: number, element: number, vr: string])[] = [
  ['Philips PET Private Group', 0x7053, 0x00, 'DS'],
  ['Philips PET Private Group', 0x7053, 0x09, 'DS'],
  ['GEMS_ACQU_01', 0x0019, 0x23, 'DS'],
  ['GEMS_ACQU_01', 0x0019, 0x24, 'DS'],
  ['GEMS_ACQU_01', 0x0019, 0x27, 'DS'],
  ['GEMS_HELIOS_01', 0x0045, 0x01, 'SS'],
  ['GEMS_HELIOS_01', 0x0045, 0x02, 'FL'],
  ['ELSCINT1', 0x00e1, 0x21, 'DS'],
  ['ELSCINT1', 0x01e1, 0x50, 'DS'],
];

const blockOf = (tag: number): number => (tag & 0xffff) >>> 8;

function creatorOf(dataset: DicomDataset, tag: number, block: number): string {
  return asciiOf(dataset.get(groupOf(tag) * 0x10000 + block));
}

/** The representation of a private attribute that the list has; undefined for all others. */
export function safePrivateVr(dataset: DicomDataset, tag: number): string | undefined {
  const creator = creatorOf(dataset, tag, blockOf(tag));
  return safe.find(([name, group, element]) => name === creator && group === groupOf(tag) && element === (tag & 0xff))?.[3];
}

/** Whether the element reserves the block of a private attribute of the list that the data set has. */
export function reservesSafeBlock(dataset: DicomDataset, tag: number): boolean {
  const element = tag & 0xffff;
  if (element < 0x10 || element > 0xff) return false;
  return [...dataset.keys()].some(
    (each) => groupOf(each) === groupOf(tag) && blockOf(each) === element && safePrivateVr(dataset, each) !== undefined,
  );
}
