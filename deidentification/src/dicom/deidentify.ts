// https://dicom.nema.org/medical/dicom/current/output/html/part15.html#chapter_E — a data set without what identifies, by the table.
import { hasKnown } from '../text/about.ts';
import { type DecodeText, textDecoder } from './character-set.ts';
import { actionFor, type DicomAction, type DicomOption, methodCodes } from './confidentiality-profile.ts';
import { type DicomContext, type DicomReport, optionsOf } from './context.ts';
import { asciiOf, type DicomDataset, type DicomElement, groupOf, isPrivate, isRepeatingGroup, noBytes, tagText } from './dataset.ts';
import { dummyBytes } from './dummy.ts';
import { reservesSafeBlock, safePrivateVr } from './safe-private.ts';
import { cleanAge, cleanTemporal } from './temporal.ts';
import { cleanText, keepsFormed } from './text-values.ts';
import { freeText, isAcceptable, isFormed, numberSize, otherBinary, singleText, standardVr } from './value-representation.ts';
import { sequenceElement, textElement } from './write.ts';

const specificCharacterSet = 0x00080005;
const patientName = 0x00100010;
const patientId = 0x00100020;
const pixels = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010]);
/** Pixels and samples: no text is looked for in their bytes. */
const bulk = new Set([...pixels, 0x54001010, 0x56000020]);
const temporal = new Set(['DA', 'DT', 'TM']);

type Counts = { [tag: string]: number };

class Walk {
  readonly #context: DicomContext;
  readonly #options: readonly DicomOption[];
  #depth = 0;
  readonly report: { removed: Counts; replaced: Counts; cleaned: Counts } = { removed: {}, replaced: {}, cleaned: {} };

  constructor(context: DicomContext, options: readonly DicomOption[]) {
    this.#context = context;
    this.#options = options;
  }

  /** @param hollow inside a sequence that becomes a dummy: every value is one */
  dataset(source: DicomDataset, inherited: DecodeText, hollow = false): Map<number, DicomElement> {
    const own = source.get(specificCharacterSet);
    const decode = own ? textDecoder(asciiOf(own)) : inherited;
    const out = new Map<number, DicomElement>();
    for (const element of source.values()) {
      const kept = this.#element(element, source, decode, hollow);
      if (kept) out.set(kept.tag, kept);
    }
    return out;
  }

  #count(counts: Counts, tag: number): void {
    const key = isPrivate(tag) ? 'private' : tagText(tag);
    counts[key] = (counts[key] ?? 0) + 1;
  }

  #remove(tag: number): undefined {
    this.#count(this.report.removed, tag);
    return undefined;
  }

  #replace(element: DicomElement, bytes: Uint8Array): DicomElement {
    this.#count(this.report.replaced, element.tag);
    return { tag: element.tag, vr: element.vr, bytes };
  }

  #element(element: DicomElement, source: DicomDataset, decode: DecodeText, hollow: boolean): DicomElement | undefined {
    const { tag } = element;
    if (tag === specificCharacterSet || (tag & 0xffff) === 0) return undefined;
    const action = actionFor(tag, this.#options);
    if (isPrivate(tag)) return action === 'C' && !hollow ? this.#private(element, source) : this.#remove(tag);
    if (isRepeatingGroup(tag) || this.#isHiddenPixels(tag)) return this.#remove(tag);
    if (action === undefined && (groupOf(tag) < 8 || standardVr(tag) === undefined)) return this.#remove(tag);
    const standard = standardVr(tag) ?? 'UN';
    if (!isAcceptable(standard, element.vr)) return this.#otherRepresentation(element, standard, action);
    if (hollow && action !== 'X') return this.#hollow(element, decode);
    return this.#act(action, element, source, decode);
  }

  /** The representation is not that of the standard: nothing of the value stays. */
  #otherRepresentation(element: DicomElement, standard: string, action: DicomAction | undefined): DicomElement | undefined {
    if (action === undefined || action === 'X' || action === 'K' || action === 'C') return this.#remove(element.tag);
    if (standard === 'SQ') return this.#replace({ ...element, vr: 'UN' }, noBytes);
    const made = { tag: element.tag, vr: standard, bytes: noBytes };
    return action === 'U' ? this.#uid({ ...made, bytes: element.bytes }) : this.#act(action, made, new Map(), () => '');
  }

  #act(action: DicomAction | undefined, element: DicomElement, source: DicomDataset, decode: DecodeText): DicomElement | undefined {
    if (element.tag === patientId || element.tag === patientName)
      return this.#replace(element, Buffer.from(this.#context.pseudonym, 'utf8'));
    switch (action) {
      case 'X':
        return this.#remove(element.tag);
      case 'Z':
        return element.items ? this.#sequence(element, []) : this.#replace(element, noBytes);
      case 'D':
        return this.#dummy(element, decode);
      case 'U':
        return element.items ? this.#sequence(element, this.#items(element, decode)) : this.#uid(element);
      case 'C':
        return this.#clean(element, source, decode);
      default:
        return this.#keep(element, source, decode, action === 'K');
    }
  }

  #items(element: DicomElement, decode: DecodeText, hollow = false): DicomDataset[] {
    this.#depth += 1;
    const items = (element.items ?? []).map((item) => this.dataset(item, decode, hollow));
    this.#depth -= 1;
    return items;
  }

  /** Pictures within sequences, and what belongs to the coding of pixels: nobody looks at them. */
  #isHiddenPixels(tag: number): boolean {
    return groupOf(tag) === 0x7fe0 && (this.#depth > 0 || !pixels.has(tag));
  }

  #sequence(element: DicomElement, items: readonly DicomDataset[]): DicomElement {
    this.#count(this.report.replaced, element.tag);
    return sequenceElement(element.tag, items);
  }

  #dummy(element: DicomElement, decode: DecodeText): DicomElement {
    if (element.items) return this.#sequence(element, this.#items(element, decode, true));
    return element.vr === 'UI' ? this.#uid(element) : this.#replace(element, dummyBytes(element.vr));
  }

  /** Codes and classes say what kind of content it was; everything else in a dummy is a dummy. */
  #hollow(element: DicomElement, decode: DecodeText): DicomElement | undefined {
    if (element.vr !== 'CS') return this.#dummy(element, decode);
    return keepsFormed('CS', asciiOf(element), this.#context) ? element : this.#remove(element.tag);
  }

  /** UIDs of the standard (classes, well-known frames of reference) are nobody's. */
  #uid(element: DicomElement): DicomElement {
    const { pseudonymOf, plane } = this.#context;
    const values = asciiOf(element).split('\\');
    const replaced = values.map((uid) => {
      if (uid === '' || /^1\.2\.840\.10008\.[0-9.]+$/.test(uid) || (plane === 'stored' && /^2\.25\.\d{1,39}$/.test(uid))) return uid;
      return `2.25.${BigInt(`0x${pseudonymOf('ImagingStudy', 'urn:dicom:uid', uid)}`)}`;
    });
    return this.#replace(element, Buffer.from(replaced.join('\\'), 'latin1'));
  }

  #private(element: DicomElement, source: DicomDataset): DicomElement | undefined {
    if (reservesSafeBlock(source, element.tag)) return { ...element, vr: 'LO' };
    const vr = safePrivateVr(source, element.tag);
    if (vr === undefined || element.items || element.fragments) return this.#remove(element.tag);
    return this.#keepsPlain({ ...element, vr }) ? { ...element, vr } : this.#remove(element.tag);
  }

  #clean(element: DicomElement, source: DicomDataset, decode: DecodeText): DicomElement | undefined {
    if (element.items) return this.#sequence(element, this.#items(element, decode));
    if (temporal.has(element.vr)) return this.#temporal(element, source, decode);
    if (element.vr === 'PN' || element.vr === 'AE') return this.#replace(element, dummyBytes(element.vr));
    return freeText.has(element.vr) ? this.#text(element, source, decode) : this.#keep(element, source, decode, false);
  }

  /** A date or time by policy; what can't stay is treated as without the option. */
  #temporal(element: DicomElement, source: DicomDataset, decode: DecodeText): DicomElement | undefined {
    const values = asciiOf(element).split('\\');
    const cleaned = values.map((value) =>
      keepsFormed(element.vr, value, this.#context) ? cleanTemporal(element.vr, value, this.#context) : undefined,
    );
    if (cleaned.includes(undefined)) return this.#act(actionFor(element.tag, []) ?? 'Z', element, source, decode);
    this.#count(this.report.cleaned, element.tag);
    return { ...element, bytes: Buffer.from(cleaned.join('\\'), 'latin1') };
  }

  #text(element: DicomElement, source: DicomDataset, decode: DecodeText): DicomElement | undefined {
    const text = decode(element.bytes)?.replace(/[ \0]+$/, '');
    if (text === undefined) return this.#remove(element.tag);
    const values = singleText.has(element.vr) ? [text] : text.split('\\');
    const cleaned = values.map((value) => cleanText(element.tag, value, source, this.#context));
    if (cleaned.some((value, index) => value !== values[index])) this.#count(this.report.cleaned, element.tag);
    return { ...element, bytes: Buffer.from(cleaned.join('\\'), 'utf8') };
  }

  /** No row takes it, or an option keeps it: what can hold an identifier is looked at all the same. */
  #keep(element: DicomElement, source: DicomDataset, decode: DecodeText, retained: boolean): DicomElement | undefined {
    const { tag, vr } = element;
    if (element.items) return sequenceElement(tag, this.#items(element, decode));
    if (element.fragments) return element;
    if (vr === 'PN') return this.#replace(element, noBytes);
    if (vr === 'AS') return { ...element, bytes: Buffer.from(asciiOf(element).split('\\').map(cleanAge).join('\\'), 'latin1') };
    if (temporal.has(vr) && !retained) return this.#temporal(element, source, decode);
    if (freeText.has(vr)) return this.#text(element, source, decode);
    return this.#keepsPlain(element) ? element : this.#remove(tag);
  }

  #keepsPlain(element: DicomElement): boolean {
    const { tag, vr, bytes } = element;
    if (isFormed(vr)) return keepsFormed(vr, asciiOf(element), this.#context);
    const size = numberSize(vr);
    if (size !== undefined) return bytes.length % size === 0;
    if (!otherBinary.has(vr)) return false;
    return bulk.has(tag) || !hasKnown(this.#context.about, Buffer.from(bytes).toString('latin1'));
  }
}

function methodItems(options: readonly DicomOption[]): DicomDataset[] {
  return methodCodes(options).map(
    ({ value, meaning }) =>
      new Map(
        [textElement(0x00080100, 'SH', value), textElement(0x00080102, 'SH', 'DCM'), textElement(0x00080104, 'LO', meaning)].map(
          (element) => [element.tag, element],
        ),
      ),
  );
}

function timesAre(options: readonly DicomOption[]): string {
  if (options.includes('retain-modified-dates')) return 'MODIFIED';
  return options.includes('retain-full-dates') ? 'UNMODIFIED' : 'REMOVED';
}

/**
 * The data set by the Basic Profile of PS3.15 with the options of the context, sequences included. Texts are UTF-8 afterwards. What happened
 * stands in the data set: Patient Identity Removed, the method and its codes, what became of dates.
 */
export function deidentifyDicom(dataset: DicomDataset, context: DicomContext): { dataset: DicomDataset; report: DicomReport } {
  const options = optionsOf(context);
  const walk = new Walk(context, options);
  const out = walk.dataset(dataset, textDecoder(''));
  const made = [
    textElement(specificCharacterSet, 'CS', 'ISO_IR 192'),
    textElement(0x00120062, 'CS', 'YES'),
    textElement(0x00120063, 'LO', `PS3.15 Basic Profile; dates ${context.dates === 'year' ? 'reduced to the year' : 'moved'}`),
    sequenceElement(0x00120064, methodItems(options)),
    textElement(0x00280303, 'CS', timesAre(options)),
  ];
  for (const element of made) out.set(element.tag, element);
  return { dataset: out, report: walk.report };
}
