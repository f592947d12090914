// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.7.6.3 — how the pixels of an image lie, checked before anything is decoded.
import { asciiOf, type DicomDataset, refuseDicom, unsignedShort } from '@limen/deidentification';

export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  /** 8 or 16. */
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly signed: boolean;
  /** Colours by plane instead of by pixel. */
  readonly planar: boolean;
  readonly photometric: string;
  readonly frames: number;
}

const photometrics = new Set(['MONOCHROME1', 'MONOCHROME2', 'PALETTE COLOR', 'RGB', 'YBR_FULL', 'YBR_FULL_422', 'YBR_ICT', 'YBR_RCT']);

/** What an image may cost: more is refused before memory is taken. */
const limits = { bytes: 512 * 1024 * 1024, framePixels: 40_000_000, frames: 10_000 };

export const frameBytes = ({ rows, columns, samples, bitsAllocated }: PixelLayout): number =>
  (rows * columns * samples * bitsAllocated) / 8;

function checked(layout: PixelLayout): PixelLayout {
  const { rows, columns, samples, bitsAllocated, bitsStored, photometric, frames } = layout;
  if (rows === 0 || columns === 0 || !Number.isInteger(frames) || frames < 1) refuseDicom('The image does not say its size.');
  if (rows * columns > limits.framePixels || frames > limits.frames || frameBytes(layout) * frames > limits.bytes)
    refuseDicom('The image is too large.', 'too-costly');
  if (!photometrics.has(photometric)) refuseDicom('The photometric interpretation of the image is not supported.', 'not-supported');
  if (bitsAllocated !== 8 && bitsAllocated !== 16) refuseDicom('Only images of 8 or 16 bits allocated are supported.', 'not-supported');
  if (bitsStored < 1 || bitsStored > bitsAllocated) refuseDicom('The image stores more bits than it allocates.');
  const colours = photometric.startsWith('MONOCHROME') || photometric === 'PALETTE COLOR' ? 1 : 3;
  if (samples !== colours || (samples === 3 && bitsAllocated !== 8))
    refuseDicom('The samples of the image do not fit its photometric interpretation.');
  return layout;
}

/** The layout of the pixel data; 422 for what is not supported or too large. */
export function layoutOf(dataset: DicomDataset): PixelLayout {
  const bitsAllocated = unsignedShort(dataset, 0x00280100) ?? 0;
  const frames = asciiOf(dataset.get(0x00280008));
  return checked({
    rows: unsignedShort(dataset, 0x00280010) ?? 0,
    columns: unsignedShort(dataset, 0x00280011) ?? 0,
    samples: unsignedShort(dataset, 0x00280002) ?? 1,
    bitsAllocated,
    bitsStored: unsignedShort(dataset, 0x00280101) ?? bitsAllocated,
    signed: unsignedShort(dataset, 0x00280103) === 1,
    planar: unsignedShort(dataset, 0x00280006) === 1,
    photometric: asciiOf(dataset.get(0x00280004)),
    frames: frames === '' ? 1 : Number(frames),
  });
}
