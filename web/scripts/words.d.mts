import type { Plugin } from "vite";

export const languages: string[];
/** The sections of the administrators' page. */
export const adminSections: string[];
export function wordsOf(app: string, language: string): { files: string[]; words: Record<string, string> };
export function words(): Plugin;
