/** The types of files that we take, as the browser's file dialog wants them. What may go is decided by check.ts. */
export const accept = "image/jpeg,image/png,image/webp,image/heic,image/heif,application/pdf,.heic,.pdf";
