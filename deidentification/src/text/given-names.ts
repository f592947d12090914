// https://www.ssa.gov/oact/babynames/decades/ — frequent given names of the last century that are no English or clinical word, place or drug.
const names = `aaron abigail abraham ada adrian adriana agnes aiden aisha alan albert alejandra alejandro alex alexandra alexis alfred alice? alicia
alison allison alma alyssa amanda amber? amelia amir amy ana? andre andrea andrew andy angela angelica anita ann? anna anne annette annie anthony
antonio ariana arlene arnold? arthur ashley aubrey audrey ava? barbara barry? beatrice becky benjamin bernadette bernard? bernice bertha bessie beth
bethany betsy betty beverly bonnie brad bradley brandi brandon brenda brendan brent brett brian brianna bridget brittany bruce? bryan caitlin caleb
calvin cameron carl carla carlos carmen carol carole caroline carolyn carrie casey cassandra catherine cathy cecilia cedric celeste chad charlene
charles? charlie? chelsea cheryl chester? chloe chris christina christine christopher cindy claire clara clarence claudia clifford clyde cody colleen
connie connor constance corey courtney craig cristina curtis cynthia daisy damian dana? daniel daniela danielle danny daphne darlene
darrell darren daryl dave david deborah debra delores denise dennis derek derrick desmond devon diana diane diego dolores dominic don donald donna
doris dorothy doug douglas? duane dustin dwayne dwight dylan earl eddie edgar edith edna eduardo edward edwin eileen elaine eleanor elena elijah
elizabeth ella? ellen elmer eloise elsie emilia emily emma enrique eric erica erik erika erin ernest ernesto esther ethan ethel eugene eva? evan
evelyn fatima felicia felix fernando floyd frances francesca francis francisco frederick gabriel gabriela gabriella gail gary gavin
genevieve geoffrey george gerald geraldine gerard gertrude gilbert? gina giovanni gladys glen glenda glenn gloria gordon? greg gregory greta
guadalupe gustavo gwendolyn hannah harold harriet harry harvey hassan heidi helen henrietta henry? herbert herman hilda howard? hugo ian
ibrahim ida? ignacio imani ingrid irene irma isaac isabel isabella isaiah ismael ivan jacob jacqueline jaime jake jamal james jamie
jan? jane janet janice jared jasmine? jason javier jean? jeanette jeanne jeff jeffery jeffrey jenna jennie jennifer jenny jeremiah jeremy jerome jerry
jesse jessica jill jim jimmy joan joann joanna joanne jocelyn joe joel johanna john johnny jonathan jorge jose? joseph josephine joshua joyce
juan juanita judith judy julia julian juliana julie julio justin kaitlyn karen karl karla katelyn katherine kathleen kathryn kathy katie katrina
kayla keith kelly? kelsey kendra kenneth kerry kevin kimberly kirk? kristen kristin kristina kristy kurt kyle larry latoya laura lauren laurie
lawrence? leah leland leo leon leona leonard leroy leslie lewis? lillian lillie linda lindsay lindsey lisa liam lois lola loretta lori lorraine louise
luc lucas lucia lucille lucy luis luke lydia lynette lynn mabel maggie malik manuel marc marcella marcia marco marcus? margaret margarita margie maria
mariah mariam marian marianne marie marilyn mario? marion marisol marjorie marlene marsha martha martin? marvin mary mathew matthew mattie maureen
maurice maxine megan melanie melinda melissa melvin mia? micah michael michaela michele michelle miguel mildred milton minnie miranda
miriam mitchell? mohamed mohammed molly monica monique morris? muhammad muriel myra myrtle nadia nancy naomi natalia natalie natasha nathan nathaniel
neil nelson? nicholas nicole nina noah noel noelle norma norman nora? olga olivia omar oscar otis owen pablo pam pamela patricia patrick patsy
patti paul paula pauline pedro peggy penelope peter? peyton phil philip? phillip phyllis priscilla priya rachel rafael ralph ramon ramona randall randy?
raquel raul raymond rebecca regina reginald rene? renee rhonda ricardo richard rick ricky rita robert roberta roberto rochelle roderick rodney
roger roland ronald ronnie rosa rosalie rosie ross? roxanne roy ruben rudolph rudy russell? ruth ryan sabrina sadie sally salvador samantha
samuel sandra santiago sara sarah scott? sean sebastian sergio seth shane shannon sharon shaun shawn sheila shelby shelley shelly sheri sherri
sherry? shirley sidney silvia simon? sofia sonia sonya sophia sophie spencer? stacey stacy stanley? stella stephanie stephen steve steven stewart? stuart
susan susie suzanne sylvia tabitha tamara tameka tammy tanya tara tasha taylor? ted teresa teri terrance terrence terri terry? thelma theodore theresa
thomas? tiffany tim timothy tina todd? tom tommy toni tony tonya tracey traci tracy travis trevor tricia tyler tyrone valerie vanessa velma vera
vernon veronica vicki vickie vicky vincent viola vivian wallace? walter wanda warren? wayne wendy wesley whitney wilbur willard william willie
wilma winifred xavier yolanda yusuf yvette yvonne zachary zoe`;

const all = names.split(/\s+/);

/** Names only beside another: alone they are also words, places, or somebody's finding ("Martin's sign"). */
export const givenNames: readonly string[] = all.map((name) => name.replace('?', ''));

/** Names that are nothing else. */
export const plainGivenNames: readonly string[] = all.filter((name) => !name.endsWith('?'));
