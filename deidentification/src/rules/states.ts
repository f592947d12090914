// https://pe.usps.com/text/pub28/28apb.htm — state and territory codes and names; anything else in Address.state is removed.
const names =
  'AL Alabama|AK Alaska|AS American Samoa|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|DC District of Columbia|FL Florida|GA Georgia|GU Guam|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|MP Northern Mariana Islands|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|PR Puerto Rico|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VI Virgin Islands|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming';

export const stateCodes: readonly string[] = names.split('|').map((s) => s.slice(0, 2));
export const stateNames: readonly string[] = names.split('|').map((s) => s.slice(3));
const known = new Set([...stateCodes, ...stateNames].map((s) => s.toLowerCase()));

export function isState(text: string): boolean {
  return known.has(text.toLowerCase());
}
