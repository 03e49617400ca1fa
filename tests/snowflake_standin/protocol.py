"""Bodies of replies, with the fields that the official connector and other clients read."""

import time
import uuid

from . import results

VERSION = "9.35.0"


def login(session):
    return {
        "data": {
            "masterToken": session.master,
            "token": session.token,
            "validityInSeconds": 3600,
            "masterValidityInSeconds": 14400,
            "displayUserName": session.user.name,
            "serverVersion": VERSION,
            "firstLogin": False,
            "remMeToken": None,
            "remMeValidityInSeconds": 0,
            "healthCheckInterval": 45,
            "newClientForUpgrade": None,
            "sessionId": session.id,
            "parameters": session.reported(),
            "sessionInfo": session.info(),
            "idToken": None,
            "idTokenValidityInSeconds": 0,
            "responseData": None,
            "mfaToken": None,
            "mfaTokenValidityInSeconds": 0,
        },
        "code": None,
        "message": None,
        "success": True,
    }


def login_refused(error, authenticator):
    return {
        "data": {
            "nextAction": "RETRY_LOGIN",
            "authnMethod": authenticator,
            "signInOptions": {},
        },
        "code": error.code,
        "message": error.message,
        "success": False,
        "headers": None,
    }


def renewed(session):
    return {
        "data": {
            "sessionToken": session.token,
            "validityInSecondsST": 3600,
            "masterToken": session.master,
            "validityInSecondsMT": 14400,
            "sessionId": session.id,
        },
        "code": None,
        "message": None,
        "success": True,
    }


def refused(code, message):
    """A request that did not get as far as a statement: an expired or unknown session."""
    return {"data": None, "code": code, "message": message, "success": False, "headers": None}


def nothing():
    return {"data": None, "code": None, "message": None, "success": True}


def result(session, found, query_id, as_arrow):
    data = {
        "parameters": session.reported(),
        "rowtype": [column.described() for column in found.columns],
        "total": len(found.rows),
        "returned": len(found.rows),
        "queryId": query_id,
        "databaseProvider": None,
        "finalDatabaseName": session.info()["databaseName"],
        "finalSchemaName": session.info()["schemaName"],
        "finalWarehouseName": session.info()["warehouseName"],
        "finalRoleName": session.info()["roleName"],
        "numberOfBinds": 0,
        "arrayBindSupported": False,
        "statementTypeId": found.type_id,
        "version": 1,
        "sendResultTime": int(time.time() * 1000),
        "queryResultFormat": "arrow" if as_arrow else "json",
        "queryContext": {"entries": []},
    }
    if as_arrow:
        data["rowsetBase64"] = results.arrow(found)
    else:
        data["rowset"] = results.json_rows(found)
    return {"data": data, "code": None, "message": None, "success": True}


def failed(error, query_id):
    return {
        "data": {
            "internalError": False,
            "unredactedFromSecureObject": False,
            "errorCode": error.code,
            "age": 0,
            "sqlState": error.sqlstate,
            "queryId": query_id,
            "line": error.line,
            "pos": error.pos,
            "type": "COMPILATION",
        },
        "code": error.code,
        "message": error.message,
        "success": False,
        "headers": None,
    }


def in_progress(query_id, code):
    return {
        "data": {
            "queryId": query_id,
            "getResultUrl": f"/queries/{query_id}/result",
            "queryAbortsAfterSecs": 300,
            "progressDesc": None,
        },
        "code": code,
        "message": "Query execution in progress.",
        "success": True,
    }


def query_id():
    return f"01c{uuid.uuid4().hex[:5]}-{uuid.uuid4().hex[:4]}-" + str(uuid.uuid4())[14:]
