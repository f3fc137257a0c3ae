package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"strings"
	"testing"
)

// unaccompanied are the writes of the hub and its host that carry no event, by the method of
// the store and the function that calls it, and why each needs none.
func unaccompanied() map[string]string {
	return map[string]string{
		"Ack in Ack":                             "bookkeeping of a device in the group, for every message",
		"AddAttachment in NewAttachment":         "room alone; the file is recorded when it is there",
		"AddControlRun in look":                  "whoever has the controls looked at, or a pack made, is recorded first",
		"AddKnownBrowser in openStaffSession":    "after the sign-in, which is recorded",
		"AddSignIn in openStaffSession":          "a person's own list of what the log has too",
		"BindStaffSession in bind":               "part of registering a device or of its sign-in, which are recorded",
		"ClearFailures in clearFailures":         "a counter; the sign-in is recorded",
		"DeleteExpired in Sweep":                 "what has ended by itself",
		"DeleteStaffSession in endStaffSessions": "what a restore ends; the restore is recorded",
		"DeleteWelcome in DeleteWelcome":         "bookkeeping of a device",
		"Followed in followGroups":               "that people are what their groups say; what was changed for it is recorded",
		"GrowLog in growLog":                     "is the log",
		"NoteAnswer in Answered":                 "the answer to what was made, which is recorded",
		"ReleaseStream in ReleaseStream":         "which hub sends the log; what is sent stays",
		"ReviewsBegan in activity":               "since when a practice is asked for reviews, written once",
		"ReviewsBegan in standings":              "since when a practice is asked for reviews, written once",
		"SaveStream in SaveStream":               "records what changed, and nothing while a stream goes on",
		"SaveWitness in NoteWitness":             "records that it contradicts the log, or agrees again; the rest is when it was asked",
		"SeeDevices in SeeDevices":               "that a notice was shown",
		"SeeDevices in SeeOwnDevices":            "that a notice was shown",
		"SeeWatcher in SetWatchers":              "a sign of life, every minute; that a watcher is set up, or not, is recorded",
		"SeeSignIns in SeeSignIns":               "that a notice was shown",
		"SetIdentityAsked in raised":             "the answer to what was asked, which is recorded",
		"SetPassword in rehash":                  "the same password at today's cost",
		"SettleRelation in settle":               "that what follows from somebody's end was done; each part is recorded, and with it an end that came by itself",
		"SpendNonce in ProviderLogout":           "so that a token is good once",
		"SpendNonce in spendAttempt":             "so that an attempt is good once",
		"TakeStream in TakeStream":               "records a new receiver, and nothing when a hub goes on",
		"WithdrawReceipt in WithdrawConsent":     "recorded, or its conversation's withdrawal is",
		"SetSessionProvider in answerSSO":        "which session of the provider's belongs to this one; that it was proved is recorded",
		"UseStaffSession in Active":              "a sign of life, every minute",
	}
}

// TestWritesAreRecorded: whatever the hub has the store write goes with an event,
// in one transaction, through Recording (45 CFR 164.312(b)); what does not is
// named here, with the reason.
func TestWritesAreRecorded(t *testing.T) {
	writes := storeWrites(t)
	if len(writes) < 80 {
		t.Fatalf("only %d methods of the store were found to write", len(writes))
	}
	except := unaccompanied()
	left := maps.Clone(except)
	through := 0
	for _, name := range append(tracked(t, "internal/hub/*.go"), tracked(t, "internal/host/*.go")...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, decl := range parsed(t, name).Decls {
			in, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(in, func(n ast.Node) bool {
				if a, ok := n.(*ast.AssignStmt); ok && renamesStore(a) {
					t.Errorf("%s: %s calls a store by another name: call it store, or what it writes is not seen here", name, in.Name.Name)
				}
				to, ok := n.(*ast.SelectorExpr)
				if !ok || !writes[to.Sel.Name] || !isStore(to.X) {
					return true
				}
				call := to.Sel.Name + " in " + in.Name.Name
				if _, recorded := to.X.(*ast.CallExpr); recorded {
					through++
				} else if except[call] == "" {
					t.Errorf("%s: %s writes and leaves no event: go through Recording, or say here why not", name, call)
				} else {
					delete(left, call)
				}
				return true
			})
		}
	}
	if through < 60 {
		t.Errorf("only %d writes were found to go through Recording", through)
	}
	for call := range left {
		t.Errorf("%s is an exception, and is not in the code", call)
	}
}

// isStore reports whether an expression is the hub's store: h.store, a variable
// of that name, or what Recording made of either, by itself or for making.
func isStore(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "store"
	case *ast.SelectorExpr:
		return x.Sel.Name == "store"
	case *ast.CallExpr:
		to, ok := x.Fun.(*ast.SelectorExpr)
		return ok && (to.Sel.Name == "Recording" || to.Sel.Name == "making")
	}
	return false
}

// renamesStore reports whether a store, or what Recording made of one, is given a
// name by which isStore does not know it.
func renamesStore(a *ast.AssignStmt) bool {
	for i, from := range a.Rhs {
		if to, ok := a.Lhs[min(i, len(a.Lhs)-1)].(*ast.Ident); ok && isStore(from) && to.Name != "store" {
			return true
		}
	}
	return false
}

// storeWrites are the methods of the SQL store that write, by themselves or by
// another of them. Recording and Record are the log's own.
func storeWrites(t *testing.T) map[string]bool {
	t.Helper()
	calls := make(map[string]map[string]bool) // by method, what it calls
	for _, name := range tracked(t, "internal/store/sqlstore/*.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, decl := range parsed(t, name).Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			if calls[f.Name.Name] == nil {
				calls[f.Name.Name] = make(map[string]bool)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if to, ok := n.(*ast.SelectorExpr); ok {
					calls[f.Name.Name][to.Sel.Name] = true
				}
				return true
			})
		}
	}
	writes := map[string]bool{"write": true, "enqueue": true}
	for grown := true; grown; {
		grown = false
		for method, called := range calls {
			for other := range called {
				if writes[other] && !writes[method] {
					writes[method], grown = true, true
				}
			}
		}
	}
	delete(writes, "Record")
	delete(writes, "Recording")
	return writes
}

func parsed(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
