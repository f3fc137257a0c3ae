package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/roster"
)

type patientCommand struct {
	Practice string `help:"The practice's short name." required:"" placeholder:"SLUG"`

	Import importPatientsCommand `cmd:"" help:"Put the patients of a CSV file on file, or change those of the same number. Columns: number, name, born (1984-03-09), and phone, email, postcode."`
	Add    addPatientCommand     `cmd:"" help:"Put one patient on file, or change the one of that number."`
	PIN    pinPatientCommand     `cmd:"" name:"pin" help:"Print a new PIN for a patient, in place of any former one."`
}

type importPatientsCommand struct {
	File string `arg:"" help:"CSV file." type:"existingfile"`
}

func (c importPatientsCommand) Run(ctx context.Context, cli *commands, s streams) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	entries, err := roster.ParseCSV(file, time.Now())
	if err != nil {
		return err
	}
	return cli.Patient.put(ctx, cli, s, entries)
}

type addPatientCommand struct {
	Number   string `arg:"" help:"The practice's record number."`
	Name     string `required:"" help:"First and last name."`
	Born     string `required:"" help:"Date of birth, such as 1984-03-09."`
	Phone    string `help:"Phone number."`
	Email    string `help:"E-mail address."`
	Postcode string `help:"Postcode."`
}

func (c addPatientCommand) Run(ctx context.Context, cli *commands, s streams) error {
	return cli.Patient.put(ctx, cli, s, []roster.Entry{{Number: c.Number, Name: c.Name, Born: c.Born, Phone: c.Phone, Email: c.Email, Postcode: c.Postcode}})
}

func (c patientCommand) put(ctx context.Context, cli *commands, s streams, entries []roster.Entry) error {
	h, p, err := cli.openPractice(ctx, c.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.ImportRoster(ctx, p.ID, entries); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d on file or changed.\n", len(entries))
	return err
}

type pinPatientCommand struct {
	Number string `arg:"" help:"The practice's record number."`
}

func (c pinPatientCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, p, err := cli.openPractice(ctx, cli.Patient.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return err
	}
	pin := fmt.Sprintf("%08d", n)
	if err := h.IssuePIN(ctx, p.ID, c.Number, pin); errors.Is(err, hub.ErrNotFound) {
		return errors.New("nobody of that number is on file")
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s %s\nGive it to the patient by hand or by post. It goes with their date of birth.\n", pin[:4], pin[4:])
	return err
}
