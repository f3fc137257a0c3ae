// The password rule: length, and nothing else. Long phrases beat odd characters
// (NIST SP 800-63B), so there is no rule about which characters to use.

export const minPassword = 15;
export const maxPassword = 256;

export type PasswordFault = "short" | "long" | "login";

export interface PasswordCheck {
  readonly length: number;
  /** 0 to 1, full at the length that is enough. */
  readonly share: number;
  readonly fault?: PasswordFault;
}

/** Length counts characters as people do, near enough: code points. */
export function checkPassword(password: string, login: string): PasswordCheck {
  const length = [...password].length;
  const share = Math.min(1, length / minPassword);
  if (length < minPassword) return { length, share, fault: "short" };
  if (length > maxPassword) return { length, share, fault: "long" };
  if (login !== "" && password.toLowerCase() === login.toLowerCase()) return { length, share, fault: "login" };
  return { length, share };
}
