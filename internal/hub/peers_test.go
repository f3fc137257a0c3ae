package hub

import (
	"reflect"
	"testing"
	"time"
)

func TestPeers(t *testing.T) {
	at := time.Unix(1_900_000_000, 0)
	p := &peers{self: "h_self", hubs: make(map[string]*peer)}
	dana, sam := Present{Person: "p_dana", Practice: "t_1", Staff: true}, Present{Person: "p_sam", Practice: "t_1"}
	keeper := Present{Person: "p_keeper", Practice: "t_1", Keeper: true}
	if p.hear(&Here{Hub: "h_a", Whole: true, Count: -1, Came: []Present{dana, sam}}, at) {
		t.Error("a whole list misses nothing")
	}
	p.hear(&Here{Hub: "h_a", Count: -1, Came: []Present{keeper}}, at)
	p.hear(&Here{Hub: "h_b", Count: -1, Came: []Present{dana}}, at)
	if !p.has("p_sam") || !p.has("p_dana") || !p.staffed("t_1") || p.staffed("t_2") || !p.keeper("p_keeper") || p.keeper("p_sam") {
		t.Error("who came is not there")
	}
	if p.hear(&Here{Hub: "h_a", Count: 3}, at) || !p.hear(&Here{Hub: "h_a", Count: 4}, at) {
		t.Error("a missed arrival is not noticed, or one that was not missed is")
	}
	p.hear(&Here{Hub: "h_a", Count: -1, Gone: []string{"p_dana", "p_nobody"}}, at)
	if !p.has("p_dana") || !p.staffed("t_1") {
		t.Error("dana is at the other hub still")
	}
	p.hear(&Here{Hub: "h_b", Count: -1, Gone: []string{"p_dana"}}, at)
	if p.has("p_dana") || p.staffed("t_1") {
		t.Error("dana is gone")
	}
	later := at.Add(beatLimit + time.Second)
	p.hear(&Here{Hub: "h_b", Count: 0}, later)
	gone := p.lapse(later)
	if len(gone) != 2 || p.has("p_sam") || p.keeper("p_keeper") || len(p.hubs) != 1 {
		t.Errorf("of a hub that died remains: %v, gone %v", p.hubs, gone)
	}
}

// TestDoorbellsCarryWhatIsOver: the other hubs of a store learn whose session
// is over, and whose queues have changed (T22).
func TestDoorbellsCarryWhatIsOver(t *testing.T) {
	for _, n := range []Notice{
		{Practice: "t_1", End: &Ending{Staff: "s_1", Device: "d_1", Person: "p_1"}},
		{Practice: "t_1", Renew: &Renewal{Person: "p_1"}},
		{Practice: "t_1", Renew: &Renewal{}},
	} {
		bell, err := n.Doorbell()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseDoorbell(bell)
		if err != nil || !reflect.DeepEqual(got, n) {
			t.Errorf("%+v came as %+v, %v", n, got, err)
		}
	}
}
