package policy

import (
	"fmt"
	"strings"
)

// Document returns the rules as a page in Markdown for those who answer for
// them.
func Document(e *Engine) string {
	var b strings.Builder
	b.WriteString("# Who may do what\n\n" +
		"These are the rules that the program itself follows (`internal/policy/rules`); a test keeps this page current.\n" +
		"What no rule allows is refused. A rule that forbids beats any that allows. Each refusal and each act can be\n" +
		"traced to the id of the rule that decided it (45 CFR 164.308(a)(4), 164.312(a)(1)).\n")
	for _, forbids := range []bool{true, false} {
		heading := "What is allowed"
		if forbids {
			heading = "What is forbidden to all"
		}
		fmt.Fprintf(&b, "\n## %s\n\n| rule | in words | about |\n|---|---|---|\n", heading)
		for _, r := range e.rules {
			if r.Forbids != forbids {
				continue
			}
			about := "everything"
			if len(r.Actions) > 0 {
				names := make([]string, len(r.Actions))
				for i, a := range r.Actions {
					names[i] = string(a)
				}
				about = strings.Join(names, ", ")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.Says, about)
		}
	}
	b.WriteString("\n## Roles\n\n| role | professions in the member list |\n|---|---|\n")
	for _, role := range Roles() {
		var who []string
		for _, profession := range sortedProfessions() {
			if professions[profession] == role {
				who = append(who, profession)
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", role, strings.Join(who, ", "))
	}
	tableDocument(&b, e)
	return b.String()
}
