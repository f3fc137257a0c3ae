import type { CodeSplittingOptions } from "rolldown";

export function together(starts: Record<string, string>): CodeSplittingOptions;
