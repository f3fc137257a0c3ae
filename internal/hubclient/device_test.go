package hubclient_test

import (
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/hubclient"
)

// A device's engine speaks to the hub through a Client.
var _ device.Hub = (*hubclient.Client)(nil)
