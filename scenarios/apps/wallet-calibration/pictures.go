package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/ipfs/go-cid"
)

var (
	errNoPicture    = errors.New("no gateway gives this picture")
	errNotThatBytes = errors.New("the bytes are not those that the content id names")
)

// picture gives the bytes that a content id names, from the first gateway that has them. The id is a hash of them: a page of an error, or another picture, is known
// by that.
func (w *wallet) picture(ctx context.Context, name string) answer {
	id, err := cid.Decode(name)
	if err != nil || id.Type() != cid.Raw {
		return refuse(http.StatusBadRequest, errors.New("not the content id of a raw block"))
	}
	for range 2 {
		for _, s := range w.gateways.order() {
			var data []byte
			err := s.again(ctx, func() error {
				var err error
				if data, err = s.fetch(ctx, http.MethodGet, s.address+"/ipfs/"+name, nil); err == nil && !w.flaws[htmlAsData] {
					if sum, wrong := id.Prefix().Sum(data); wrong != nil || !sum.Equals(id) {
						err = errNotThatBytes
					}
				}
				s.note(ctx, err)
				return err
			})
			if err == nil {
				return answer{bytes: data}
			}
			slog.Debug("picture not had", "source", s.name, "err", err)
			w.gateways.failed(s)
			if ctx.Err() != nil {
				break
			}
		}
	}
	return refuse(http.StatusServiceUnavailable, errNoPicture)
}
