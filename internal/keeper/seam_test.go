package keeper_test

import (
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/keeper"
)

// The Go client of the hub is what the keeper runs on.
var _ keeper.Hub = (*hubclient.Client)(nil)
