// What stays of a textual value that no row of the table takes away, or that an option cleans (PS3.15 E.3.3, E.3.5).
import { movedDate, yearOf } from '../dates.ts';
import { hasKnown } from '../text/about.ts';
import { isCleanLabel, isSafeDisplay, scrubText } from '../text/scrub.ts';
import type { DicomContext } from './context.ts';
import { asciiOf, type DicomDataset } from './dataset.ts';
import { hasForm, isFormed } from './value-representation.ts';

const codeValue = 0x00080100;
const codingScheme = 0x00080102;
const codeMeaning = 0x00080104;
/** Words of makers and of code systems look like names of places and organizations: the known and the unmistakable goes, the rest stays. */
const terms = new Set([codeValue, codingScheme, 0x00080103, 0x00080105, 0x0008010f, 0x00080070, 0x00081090, 0x00181020]);
/** Coding schemes of PS3.16 table 8-1 whose meanings are published. */
const publishedSchemes = new Set('DCM SRT SCT SNM3 99SDM LN UCUM RADLEX FMA I10 ICD10 I9C ICDO UMLS NCIt BARI BI ACR'.split(' '));

/** Numbers shorter than this are measurements, whatever else they are. */
const longNumber = 6;

/** Texts of free form: scrubbed, or kept as a term. */
export function cleanText(tag: number, text: string, within: DicomDataset, context: DicomContext): string {
  const published = tag === codeMeaning && publishedSchemes.has(asciiOf(within.get(codingScheme)));
  if ((published || terms.has(tag)) && isSafeDisplay(text, context.about)) return text;
  if (isCleanLabel(text, context.about)) return text;
  const shift = (date: string): string => (context.dates === 'year' ? yearOf(date) : (movedDate(date, context.offsetDays) ?? yearOf(date)));
  const kept = (date: string): string => date;
  return scrubText(text, context.about, context.plane === 'stored' ? kept : shift);
}

/** Codes, numbers and other texts with a form: kept as they are, or not at all. */
export function keepsFormed(vr: string, text: string, { about }: DicomContext): boolean {
  if (!isFormed(vr)) return false;
  if (!hasForm(vr, text)) return (vr === 'CS' || vr === 'AE') && isCleanLabel(text, about);
  const numeric = vr === 'DS' || vr === 'IS' || vr === 'UI';
  if (numeric && text.replace(/\D/g, '').length < longNumber) return true;
  return !hasKnown(about, text);
}
