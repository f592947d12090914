// Words that common passwords are made of. Chosen by hand after what the published counts of breached passwords have in common (the first
// thousands of the UK NCSC's and Have I Been Pwned's lists; https://www.ncsc.gov.uk/blog-post/passwords-passwords-everywhere), and this place's own.
// A word counts inside a password too, whatever figures and signs stand around it.
const people =
  'alexander amanda andrea andrew anthony ashley barbara benjamin brandon charlie chelsea chris christian daniel danielle david dennis elizabeth eminem florian george hannah heather jackson james jasmine jason jennifer jessica jonathan jordan joseph joshua justin kimberly lauren liverpool madison maria martin matthew maxwell melissa michael michelle monica nathan nicholas nicole oliver patrick peter rachel richard robert samantha samuel sandra sebastian steven stephanie superman taylor thomas tiffany tigger vanessa victoria william';
const common =
  'access admin administrator amazing angel apple arsenal awesome babygirl banana baseball basketball batman beautiful butterfly changeme cheese chocolate computer cookie correcthorsebatterystaple default diamond dragon facebook family fender ferrari flower football forever freedom fuckyou gandalf ginger google guitar hallo harley hello hockey hottie hunter iceman iloveyou internet jesus justinbieber killer letmein lovely loveme lovers maggie master matrix mercedes merlin midnight monkey mother mustang myspace naruto ncc1701 orange pakistan passphrase passw0rd password pepper phoenix pokemon princess purple qazwsx ranger samsung scooter secret shadow silver snoopy soccer spiderman starwars summer sunshine sweetie temporary testing tester trustno welcome whatever winner winter yankees yellow zaq12wsx';
const seasons =
  'january february march april june july august september october november december monday tuesday wednesday thursday friday saturday sunday spring autumn';
const here =
  'limen fhir smart hospital clinic medical medicine patient doctor physician nurse pharmacist pharmacy radiologist radiology researcher research auditor privacy officer health healthcare health care record system server';

export const commonWords: readonly string[] = [people, common, seasons, here]
  .flatMap((list) => list.split(' '))
  .filter((word) => word.length >= 4);
