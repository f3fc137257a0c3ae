// Sheets that few open, which load when somebody does.

export { default as AgreeSheet } from "./AgreeSheet.svelte";
export { default as AgreementsSheet } from "./AgreementsSheet.svelte";
