package device_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

func TestT08WeakSuiteIsRefused(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	sam.Close()
	sam.Client.Lie(devicetest.Lies{Practice: func(p api.Practice) api.Practice { p.Suite = uint16(suite.P256AES128); return p }})
	if err := sam.Restart(); err != nil {
		t.Fatal(err)
	}
	id := sam.Open("Sam")
	sam.Say(id, "secret")
	w.Eventually("it is refused", func() bool {
		return sam.Heard(func(e device.Event) bool { return e.Kind == device.EventFailed && e.Failure == device.FailureUntrusted })
	})
	if len(w.Hub.Log(id)) > 0 {
		t.Error("a conversation of a weak suite was made")
	}
}

func TestT08WeakKeyPackageIsRefused(t *testing.T) {
	w, _, maria, _ := talk(t)
	weak, _ := suite.Lookup(suite.P256AES128)
	b, err := w.Authority.Issue(&certificate.Certificate{Person: "p_x", Device: "d_x", Kind: certificate.KindService, Role: certificate.RoleKeeper, PublicKey: maria.Signer.Public()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	secret, err := mls.NewKeyPackage(mls.Config{Credentials: mls.AnyCredential{}}, weak, maria.Signer, wire.BasicCredential(b), mls.KeyPackageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claimed := api.ClaimedKeyPackage{Device: "d_x", Person: "p_x", Package: secret.Message()}
	if _, err := maria.CheckKeyPackage(claimed); device.FailureOf(err) != device.FailureUntrusted {
		t.Errorf("a weak key package: %v", err)
	}
}

// weakGroup is a group of a suite that is not good enough: founded by a keeper
// whom the authority knows, with maria in it. All else about it is right.
func weakGroup(w *devicetest.World, maria *devicetest.Person, talk, id string) (group *mls.Group, welcome []byte, secret *mls.KeyPackageSecret) {
	t := w.T
	t.Helper()
	weak, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		t.Fatal(err)
	}
	members := stolenGroup(t, maria, talk).Members()
	own := members[slices.IndexFunc(members, func(m mls.Member) bool { return bytes.Equal(m.SignatureKey, maria.Signer.Public()) })].Credential
	keeper := devicetest.NewSigner(t)
	lenient := mls.Config{Credentials: mls.AnyCredential{}}
	secret, err = mls.NewKeyPackage(lenient, weak, maria.Signer, own, mls.KeyPackageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := w.Authority.Issue(&certificate.Certificate{Person: "p_other_keeper", Device: "d_other_keeper", Kind: certificate.KindService, Role: certificate.RoleKeeper, PublicKey: keeper.Public()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if group, err = mls.Create(lenient, weak, []byte(id), keeper, wire.BasicCredential(cert), mls.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pending, err := group.Commit(mls.CommitOptions{Add: []*wire.KeyPackage{secret.Package()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := group.MergePending(); err != nil {
		t.Fatal(err)
	}
	return group, pending.Welcome, secret
}

func TestT08WelcomeToAWeakGroupIsRefused(t *testing.T) {
	w, _, maria, id := talk(t)
	_, welcome, secret := weakGroup(w, maria, id, "c_weak")
	maria.Store.Put("kp/"+hex.EncodeToString(secret.Ref()), secret.Marshal()) // made when the suite was still good
	w.Hub.Welcome(w.Hub.DevicesOf("p_maria")[0], api.Welcome{Conversation: "c_weak", Position: 2, Payload: welcome})
	w.Eventually("it is refused", func() bool {
		return maria.Heard(func(e device.Event) bool { return e.Kind == device.EventFailed && e.Failure == device.FailureUntrusted })
	})
	if maria.Joined("c_weak") {
		t.Error("joined a group of a weak suite")
	}
}

func TestT08WeakGroupInfoIsRefused(t *testing.T) {
	w, _, maria, id := talk(t)
	group, _, _ := weakGroup(w, maria, id, id)
	for group.Epoch() <= stolenGroup(t, maria, id).Epoch() {
		if _, err := group.Commit(mls.CommitOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := group.MergePending(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := group.GroupInfo()
	if err != nil {
		t.Fatal(err)
	}
	maria.Close()
	maria.Store.Put("g/"+id, []byte("spoilt"))
	maria.Client.Lie(devicetest.Lies{GroupInfo: func(g api.GroupInfo) api.GroupInfo { g.GroupInfo = info; return g }})
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	maria.SeesNotice(id, "refused suite")
	if outsiders(w, id) > 0 {
		t.Error("joined a group of a weak suite")
	}
	maria.Client.Lie(devicetest.Lies{})
	maria.Reconnect()
	maria.SeesTexts(id, "hello", "good morning")
}
