// Sheets that few open, which load when somebody does.

export { default as AgreeSheet } from "./AgreeSheet.svelte";
export { default as AgreementsSheet } from "./AgreementsSheet.svelte";
export { default as FilesSheet } from "./FilesSheet.svelte";
export { default as RateSheet } from "./RateSheet.svelte";
