// Addresses for the bytes of pictures. They live as long as what shows them.

/** A blob: address of a picture's bytes; given back when the component goes. */
export function pictureUrl(bytes: () => Uint8Array | Blob | undefined, type = "image/jpeg"): { readonly url: string | undefined } {
  let url = $state<string>();
  $effect(() => {
    const now = bytes();
    if (!now) {
      url = undefined;
      return;
    }
    const made = URL.createObjectURL(now instanceof Blob ? now : new Blob([now as BlobPart], { type }));
    url = made;
    return () => URL.revokeObjectURL(made);
  });
  return {
    get url() {
      return url;
    },
  };
}
