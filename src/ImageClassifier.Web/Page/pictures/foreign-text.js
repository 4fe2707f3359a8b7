// Makes text from other sources, such as file names, safe to show.

// Control characters, direction marks, line ends and the like. The two joiners are allowed: scripts and emoji need
// them.
const UNSEEN = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Replaces each invisible character that can change how the text looks by U+FFFD.
 * @param {string} text
 */
export const shown = (text) => text.replace(UNSEEN, "\uFFFD");

/** The same as a part of a sentence, whose order it cannot change. @param {string} text */
export const isolated = (text) => `\u2068${shown(text)}\u2069`;
