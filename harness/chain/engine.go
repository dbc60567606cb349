package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/beacon/engine"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

// callTimeout bounds each call of a conductor to a node. It is far above what a call takes, which is milliseconds: a node that does not answer in this time is
// broken, not slow.
const callTimeout = 10 * time.Second

// engineClient speaks the Engine API to one node over HTTP. Its errors name the method.
type engineClient struct {
	rpc     *rpc.Client
	timeout time.Duration
}

// payload is what engine_newPayloadV4 needs. The block is encoded once for all nodes.
type payload struct {
	block      json.RawMessage // engine.ExecutableData
	blobHashes []common.Hash
	requests   []hexutil.Bytes
}

// newPayload hands the node a block to execute and keep. Its head does not move.
func (e *engineClient) newPayload(ctx context.Context, p *payload) error {
	const method = "engine_newPayloadV4"
	var status engine.PayloadStatusV1
	if err := e.call(ctx, &status, method, p.block, p.blobHashes, common.Hash{}, p.requests); err != nil {
		return err
	}
	return valid(method, status)
}

// forkchoice moves the node's head. A zero hash for safe or finalized leaves that as it is.
func (e *engineClient) forkchoice(ctx context.Context, head, safe, finalized common.Hash) error {
	const method = "engine_forkchoiceUpdatedV3"
	var reply engine.ForkChoiceResponse
	state := engine.ForkchoiceStateV1{HeadBlockHash: head, SafeBlockHash: safe, FinalizedBlockHash: finalized}
	if err := e.call(ctx, &reply, method, state, nil); err != nil {
		return err
	}
	return valid(method, reply.PayloadStatus)
}

func (e *engineClient) call(ctx context.Context, result any, method string, args ...any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, e.timeout, fmt.Errorf("no answer within %s", e.timeout))
	defer cancel()
	if err := e.rpc.CallContext(ctx, result, method, args...); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

func valid(method string, s engine.PayloadStatusV1) error {
	switch {
	case s.Status == engine.VALID:
		return nil
	case s.ValidationError != nil:
		return fmt.Errorf("%s: status %s: %s", method, s.Status, *s.ValidationError)
	default:
		return fmt.Errorf("%s: status %s", method, s.Status)
	}
}
