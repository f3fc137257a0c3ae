package scim

// What the server says of itself (RFC 7643, sections 5 to 7).

type attributes = map[string]any

// ProviderConfig is the answer of /ServiceProviderConfig.
func ProviderConfig() any {
	can := func(supported bool) attributes { return attributes{"supported": supported} }
	return attributes{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   can(true), "etag": can(true), "sort": can(false), "changePassword": can(false),
		"bulk":   attributes{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": attributes{"supported": true, "maxResults": MaxPage},
		"authenticationSchemes": []attributes{{
			"type": "oauthbearertoken", "name": "Bearer token", "description": "A token that the practice's administrator has made", "primary": true,
		}},
	}
}

// ResourceTypes is the answer of /ResourceTypes.
func ResourceTypes() any {
	kind := func(name, schema string) any {
		return attributes{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
			"id":      name, "name": name, "endpoint": "/" + name + "s", "schema": schema,
		}
	}
	return Page([]any{kind("User", UserSchema), kind("Group", GroupSchema)}, 1, MaxPage)
}

// Schemas is the answer of /Schemas: the attributes that are kept.
func Schemas() any {
	plain := func(name, kind string, required bool) attributes {
		return attributes{
			"name": name, "type": kind, "multiValued": false, "required": required, "caseExact": name == "externalId",
			"mutability": "readWrite", "returned": "default", "uniqueness": "none",
		}
	}
	unique := func(name string) attributes {
		a := plain(name, "string", true)
		a["uniqueness"] = "server"
		return a
	}
	name := plain("name", "complex", false)
	name["subAttributes"] = []attributes{plain("formatted", "string", false), plain("givenName", "string", false), plain("familyName", "string", false)}
	members := plain("members", "complex", false)
	members["multiValued"], members["subAttributes"] = true, []attributes{plain("value", "string", false)}
	schema := func(id, name string, of ...attributes) any {
		return attributes{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": id, "name": name, "attributes": of,
		}
	}
	return Page([]any{
		schema(UserSchema, "User", unique("userName"), plain("externalId", "string", false), name, plain("displayName", "string", false),
			plain("title", "string", false), plain("active", "boolean", false)),
		schema(GroupSchema, "Group", unique("displayName"), plain("externalId", "string", false), members),
	}, 1, MaxPage)
}
