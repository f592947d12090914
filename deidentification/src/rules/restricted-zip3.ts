// 45 CFR 164.514(b)(2)(i)(B): three-digit ZIP areas of 20,000 people or fewer become 000.
// Source: HHS guidance on de-identification (2000 census, 17 areas) joined with the areas that fell below the limit in the 2010 census;
// an area that any listed census restricts is restricted.
export const restrictedZip3: readonly { readonly census: number; readonly zip3: readonly string[] }[] = [
  {
    census: 2000,
    zip3: ['036', '059', '063', '102', '203', '556', '692', '790', '821', '823', '830', '831', '878', '879', '884', '890', '893'],
  },
  { census: 2010, zip3: ['036', '059', '102', '203', '205', '369', '556', '692', '821', '823', '878', '879', '884', '893'] },
];
