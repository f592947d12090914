// Names and places for generated notes: from public lists of many languages, and new ones that no list has, made of the same letters.
import { readFileSync } from 'node:fs';
import type { Random } from '../random.ts';

interface Lists {
  readonly given: readonly string[];
  readonly family: readonly string[];
  readonly places: readonly string[];
}

type Stored = { readonly [list in keyof Lists]: readonly string[] };

/** Romanised names of languages that the lists have in other scripts only. */
const romanised = {
  given: `Hiroshi Yuki Haruto Sakura Kenji Akiko Naoko Takeshi Jin-woo Min-jun Seo-yeon Ji-hye Hyun-woo Wei Li Xiaoming Jing Yan Mei Hui Guang Zhihao Lihua
Mohammad Fatemeh Zahra Abdullah Khalid Layla Noor Youssef Amina Tariq Salma Ivan Dmitri Olga Sergei Svetlana Anastasia Nikolai Tatiana Mykola Oksana
Giorgos Eleni Dimitra Kostas Arjun Deepak Lakshmi Sunita Ravi Priyanka Nguyet Thuy Minh Phuong Kwame Ama Kofi Abebe Tigist Chidi Ngozi Somchai
Malai Bayani Liwayway Tala Kalani Leilani Mahina Siddhartha Tenzin Pema Davit Ani Rachel Moshe Yael Noam Avigail Rivka`,
  family: `Tanaka Suzuki Watanabe Yamamoto Nakamura Kobayashi Kim Park Choi Jeong Kang Yoon Wang Zhang Liu Chen Yang Huang Zhao Zhou Xu Sun Ma Zhu
Hosseini Ahmadi Rahimi Al-Sayed El-Masri Haddad Khoury Abdelrahman Ivanov Petrov Smirnova Kuznetsov Volkova Shevchenko Kovalenko Papadopoulos
Georgiou Nikolaidis Patel Sharma Gupta Reddy Iyer Chatterjee Krishnamurthy Nguyen Tran Pham Huynh Mensah Boateng Owusu Tesfaye Bekele Okonkwo Adeyemi
Eze Chaiyaporn Suwannarat Dela-Cruz Macapagal Kealoha Kahananui Gurung Tamang Sargsyan Petrosyan Cohen Mizrahi Friedman Katz Levi`,
};

function listsOf(): Lists {
  const stored = JSON.parse(readFileSync(new URL('names.json', import.meta.url), 'utf8')) as Stored;
  const parts = (lines: readonly string[]): string[] => lines.flatMap((text) => text.split('|'));
  return {
    given: [...parts(stored.given), ...romanised.given.split(/\s+/)],
    family: [...parts(stored.family), ...romanised.family.split(/\s+/)],
    places: parts(stored.places),
  };
}

export let nameLists = listsOf();

type Chain = ReadonlyMap<string, string>;

/** What follows two letters, as often as in the list. */
function chainOf(words: readonly string[]): Chain {
  const next = new Map<string, string>();
  for (const word of words) {
    const text = `^^${word.toLowerCase().split(' ')[0]}$`;
    for (let i = 2; i < text.length; i += 1) {
      const key = text.slice(i - 2, i);
      next.set(key, (next.get(key) ?? '') + text.charAt(i));
    }
  }
  return next;
}

const chains = { given: chainOf(nameLists.given), family: chainOf(nameLists.family), places: chainOf(nameLists.places) };

/** Adds families and places of larger lists; names are invented from the letters of the first lists only. */
export function addNames({ family, places }: { readonly family: readonly string[]; readonly places: readonly string[] }): void {
  nameLists = { ...nameLists, family: [...nameLists.family, ...family], places: [...nameLists.places, ...places] };
}

/** A name of 4 to 11 letters that looks like the names of the list. */
function invented(list: keyof Lists, random: Random): string {
  const chain = chains[list];
  for (;;) {
    let word = '^^';
    while (!word.endsWith('$') && word.length < 15) {
      const choices = chain.get(word.slice(-2)) ?? '$';
      word += choices.charAt(Math.floor(random() * choices.length));
    }
    const name = word.slice(2).replace('$', '');
    if (/^[\p{L}'’-]{4,11}$/u.test(name) && /^\p{L}.*\p{L}$/u.test(name)) return name.charAt(0).toUpperCase() + name.slice(1);
  }
}

/** From the lists, or (in one of three cases) a new one. */
export function drawName(list: keyof Lists, random: Random): string {
  if (random() < 0.34) return invented(list, random);
  const names = nameLists[list];
  return names[Math.floor(random() * names.length)] ?? '';
}
