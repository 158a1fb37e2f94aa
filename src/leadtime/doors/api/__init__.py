"""REST at ``/api/v1``: one router per stage; the OpenAPI description is the reference."""
