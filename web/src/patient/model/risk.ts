// Words after which a person is asked whether they are safe. They are looked
// for here, on the person's own device: what is found is told to nobody. All
// languages are looked through, as people write in their own whatever the page
// is shown in. The lists are short on purpose: to ask too often is to be
// overlooked. A practice adds its own (risk_words in its file).

const lists: readonly string[] = [
  "kill myself|killing myself|suicide|suicidal|end my life|want to die|wish i was dead|better off dead|hurt myself|harm myself|cut myself|no reason to live|overdose|can t breathe|can not breathe|cannot breathe|chest pain|someone is hurting me|he hits me|she hits me",
  "matarme|suicidio|suicidarme|quitarme la vida|quiero morir|no quiero vivir|mejor muerto|mejor muerta|hacerme dano|cortarme|sobredosis|no puedo respirar|dolor en el pecho|me pega|me golpea",
  "انتحر|الانتحار|اقتل نفسي|انهي حياتي|اريد ان اموت|اتمني الموت|لا اريد ان اعيش|اؤذي نفسي|اجرح نفسي|جرعه زايده|لا استطيع التنفس|الم في صدري|الم في الصدر|يضربني",
];

/** One writing for all that means the same: no accents, no marks, one form of a letter. */
export function plain(text: string): string {
  return ` ${text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[أإآٱ]/g, "ا")
    .replace(/ى/g, "ي")
    .replace(/ة/g, "ه")
    .replace(/[ئ]/g, "ي")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim()} `;
}

// As they are looked for, made once: between the press on Send and the message
// on the screen there is no time for it.
const wanted = new Map<string, string>();

function asSaid(word: string): string {
  let found = wanted.get(word);
  if (found === undefined) {
    const written = plain(word);
    // Arabic writes "and", "to" and others onto the word.
    wanted.set(word, (found = /\p{Script=Arabic}/u.test(written) ? written.trim() : written));
  }
  return found;
}

/** True if a text has one of the words, by the lists here or the practice's own. */
export function atRisk(text: string, own: Readonly<Record<string, readonly string[]>> = {}): boolean {
  const said = plain(text);
  return [...lists.flatMap((list) => list.split("|")), ...Object.values(own).flat()].some((word) => said.includes(asSaid(word)));
}
