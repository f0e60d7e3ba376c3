// The texts of the client: the same dictionary as the pages', in the page's language.
import words from "../words.json";

export type Word = keyof typeof words;
const chinese = document.documentElement.lang.startsWith("zh");

export const language = chinese ? "zh-CN" : "en";

export function say(word: Word, facts: Record<string, string | number> = {}): string {
  const text = words[word][chinese ? 1 : 0] ?? word;
  return text.replace(/{(\w+)}/g, (_, name: string) => String(facts[name] ?? ""));
}

export function known(word: string): word is Word {
  return word in words;
}
