// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_8.2 — the frames of an image as plain samples.
import { type DicomElement, refuseDicom } from '@limen/deidentification';
import codecs from 'dcmjs-codecs';
import { frameBytes, type PixelLayout } from './layout.ts';

type Decoder = (context: InstanceType<typeof codecs.Context>) => InstanceType<typeof codecs.Context>;

const decoders: { readonly [transferSyntax: string]: Decoder } = {
  '1.2.840.10008.1.2.5': (context) => codecs.NativeCodecs.decodeRle(context),
  '1.2.840.10008.1.2.4.50': (context) => codecs.NativeCodecs.decodeJpeg(context, { convertColorspaceToRgb: true }),
  '1.2.840.10008.1.2.4.57': (context) => codecs.NativeCodecs.decodeJpeg(context, { convertColorspaceToRgb: true }),
  '1.2.840.10008.1.2.4.70': (context) => codecs.NativeCodecs.decodeJpeg(context, { convertColorspaceToRgb: true }),
  '1.2.840.10008.1.2.4.80': (context) => codecs.NativeCodecs.decodeJpegLs(context),
  '1.2.840.10008.1.2.4.81': (context) => codecs.NativeCodecs.decodeJpegLs(context),
  '1.2.840.10008.1.2.4.90': (context) => codecs.NativeCodecs.decodeJpeg2000(context),
  '1.2.840.10008.1.2.4.91': (context) => codecs.NativeCodecs.decodeJpeg2000(context),
  '1.2.840.10008.1.2.4.201': (context) => codecs.NativeCodecs.decodeHtJpeg2000(context),
  '1.2.840.10008.1.2.4.202': (context) => codecs.NativeCodecs.decodeHtJpeg2000(context),
  '1.2.840.10008.1.2.4.203': (context) => codecs.NativeCodecs.decodeHtJpeg2000(context),
};

export interface DecodedImage {
  readonly layout: PixelLayout;
  /** One buffer per frame, ours to change. */
  readonly frames: readonly Uint8Array[];
}

/** The compressed frames: one fragment each, or as the basic offset table says. */
function compressedFrames(fragments: readonly Uint8Array[], frames: number): Uint8Array[] {
  const [table = new Uint8Array(0), ...rest] = fragments;
  if (frames === 1) return [Buffer.concat(rest)];
  if (rest.length === frames) return rest;
  const offsets = Array.from({ length: table.length / 4 }, (_, index) => Buffer.from(table).readUInt32LE(index * 4));
  if (offsets.length !== frames) refuseDicom('The frames of the image can not be told apart.');
  let at = 0;
  const starts = rest.map((fragment) => {
    at += fragment.length + 8;
    return at - fragment.length - 8;
  });
  return offsets.map((from, index) => {
    const to = offsets[index + 1] ?? at;
    return Buffer.concat(rest.filter((_, each) => (starts[each] ?? 0) >= from && (starts[each] ?? 0) < to));
  });
}

let ready: Promise<void> | undefined;

function decodedFrame(
  decode: Decoder,
  encoded: Uint8Array,
  layout: PixelLayout,
): { bytes: Uint8Array; photometric: string; planar: boolean } {
  try {
    const out = decode(
      new codecs.Context({
        width: layout.columns,
        height: layout.rows,
        bitsAllocated: layout.bitsAllocated,
        bitsStored: layout.bitsStored,
        samplesPerPixel: layout.samples,
        pixelRepresentation: layout.signed ? 1 : 0,
        planarConfiguration: layout.planar ? 1 : 0,
        photometricInterpretation: layout.photometric,
        encodedBuffer: encoded,
      }),
    );
    const bytes = out.getDecodedBuffer();
    if (bytes && bytes.length >= frameBytes(layout) && bytes.length <= frameBytes(layout) + 1)
      return {
        bytes: Uint8Array.from(bytes.subarray(0, frameBytes(layout))),
        photometric: out.getPhotometricInterpretation() ?? layout.photometric,
        planar: (out.getPlanarConfiguration() ?? 0) === 1,
      };
  } catch {
    // What the decoder says may repeat what is in the file.
  }
  return refuseDicom('A compressed frame of the image can not be decoded.');
}

async function decodeFragments(fragments: readonly Uint8Array[], transferSyntax: string, layout: PixelLayout): Promise<DecodedImage> {
  const decode = decoders[transferSyntax];
  if (!decode) refuseDicom('The compression of the image is not supported.', 'not-supported');
  codecs.log.setLevel('silent');
  ready ??= codecs.NativeCodecs.initializeAsync();
  await ready;
  const decoded = compressedFrames(fragments, layout.frames).map((encoded) => decodedFrame(decode, encoded, layout));
  const { photometric, planar } = decoded[0] ?? layout;
  return { layout: { ...layout, photometric, planar }, frames: decoded.map(({ bytes }) => bytes) };
}

/** The pixel data as plain samples; 422 when they can't be decoded, or when they are not as long as the image says. */
export async function decodePixels(element: DicomElement, transferSyntax: string, layout: PixelLayout): Promise<DecodedImage> {
  if (element.fragments) return decodeFragments(element.fragments, transferSyntax, layout);
  if (layout.photometric === 'YBR_FULL_422') refuseDicom('The photometric interpretation of the image is not supported.', 'not-supported');
  const size = frameBytes(layout);
  if (element.bytes.length < size * layout.frames) refuseDicom('The pixel data are shorter than the image says.');
  const frames = Array.from({ length: layout.frames }, (_, index) =>
    Uint8Array.from(element.bytes.subarray(index * size, (index + 1) * size)),
  );
  return { layout, frames };
}
