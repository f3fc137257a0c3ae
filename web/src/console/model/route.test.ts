import { describe, expect, it } from "vitest";

import { formatRoute, home, parseRoute } from "./route.ts";

describe("parseRoute", () => {
  it.each([
    ["", home],
    ["#", home],
    ["#/mine", { screen: "inbox", box: "mine" }],
    ["#/team/c_abc", { screen: "inbox", box: "team", conversation: "c_abc" }],
    ["#/settings", { screen: "settings" }],
    ["#setup=a/b=", { screen: "set-up", token: "a/b=" }],
    ["#/nowhere/c_abc", home],
    ["#/mine/<script>", { screen: "inbox", box: "mine" }],
  ])("reads %s", (fragment, route) => {
    expect(parseRoute(fragment)).toEqual(route);
  });

  it("comes back from its own fragment", () => {
    for (const fragment of ["#/waiting", "#/closed/c_1", "#/settings"]) {
      expect(formatRoute(parseRoute(fragment))).toBe(fragment);
    }
  });

  it("never writes a set-up token back", () => {
    expect(formatRoute(parseRoute("#setup=secret"))).not.toContain("secret");
  });
});
