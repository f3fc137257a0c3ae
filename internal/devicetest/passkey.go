package devicetest

import (
	"context"

	"github.com/sotto-health/sotto/api"
)

// ReturnPatient implements device.Hub: nobody has a passkey here.
func (c *Client) ReturnPatient(context.Context, api.ReturnPatient) (*api.Device, error) {
	if _, err := c.enter("return"); err != nil {
		return nil, err
	}
	return nil, &api.Problem{Code: api.CodeUnauthenticated}
}
