package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
)

const basePath = "/api/v1/organization"

// Class is a sort of request. Request returns the n-th one, and is safe for concurrent use.
type Class struct {
	Name    string
	Request func(n int) Request
	// distinct is how many requests are sent before it counts: one of each that is different, and one of those that always are.
	distinct int
}

func fixed(name string, requests ...Request) Class {
	return Class{Name: name, distinct: len(requests), Request: func(n int) Request { return requests[n%len(requests)] }}
}

// Classes returns what is measured: get, search, list, create and patch.
func (s *Server) Classes(ctx context.Context, needles []string, users int) ([]Class, error) {
	ids, err := s.ids(ctx, search("query", "ann", "size", "100")) // from all over the tenant
	if err != nil {
		return nil, err
	}
	own, err := s.ids(ctx, Request{Method: http.MethodGet, Path: basePath + "/users?size=100"}) // a customer is one organization
	if err != nil {
		return nil, err
	}
	deep := strconv.Itoa(max(min(1500, users/50-1), 0))
	var gets, mix, sorted []Request
	for _, id := range ids {
		gets = append(gets, Request{Method: http.MethodGet, Path: fmt.Sprintf("%s/user?userId=%d", basePath, id)})
	}
	for _, n := range needles {
		mix = append(mix, search("query", n))
		sorted = append(sorted, search("query", n, "sortBy", "Name", "sortOrder", "DESC"))
	}
	list := func(query string) Request { return Request{Method: http.MethodGet, Path: basePath + "/users" + query} }
	var created atomic.Int64
	return []Class{
		fixed("get by id", gets...),
		fixed("search, the 12 needles", mix...),
		fixed("search, the 12 needles by name", sorted...),
		fixed("list, own organization", list("")),
		fixed("list, whole tree, page "+deep, list("?includeSubOrgUsers=true&page="+deep)),
		{Name: "create in an organization", distinct: 1, Request: func(int) Request {
			body := fmt.Sprintf(`{"email":"bench-%d@example.com","password":"a sample password","name":"Jim Doe","orgId":%d,"roleId":3}`,
				created.Add(1), s.demo.Organization.OrgID)
			return Request{Method: http.MethodPost, Path: basePath + "/users/create-in-org", Body: body}
		}},
		{Name: "patch", distinct: 1, Request: func(n int) Request {
			return Request{
				Method: http.MethodPatch, Path: fmt.Sprintf("/api/v1/customers/%s/users/%s", s.demo.Customers.CustomerID, customersID(own[n%len(own)])),
				Body: fmt.Sprintf(`{"jobTitle":"Associate %d"}`, n),
			}
		}},
	}, nil
}

// customersID returns the id of a user in the customers dialect: the kind in ASCII, and the number in 16 hex digits.
func customersID(id int64) string { return fmt.Sprintf("%x%016x", "user", id) }

// ids returns the ids of the users that a request lists.
func (s *Server) ids(ctx context.Context, r Request) ([]int64, error) {
	var page struct {
		Content []struct {
			ID int64 `json:"id"`
		} `json:"content"`
	}
	if _, err := s.ask(ctx, r, &page); err != nil {
		return nil, err
	}
	ids := make([]int64, len(page.Content))
	for i, u := range page.Content {
		ids[i] = u.ID
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s lists no user", r.Path)
	}
	return ids, nil
}
