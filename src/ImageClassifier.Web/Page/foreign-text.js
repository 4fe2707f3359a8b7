// Text that others have written, such as file names.

// Controls, marks of writing direction, ends of lines and the like. The two joiners are none of them, because scripts
// and emoji need them.
const UNSEEN = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * The text for people: what is not seen itself, and can change what the text looks like, shows as U+FFFD.
 * @param {string} text
 */
export const shown = (text) => text.replace(UNSEEN, "\uFFFD");
