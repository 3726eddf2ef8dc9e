"""Which HTTP status answers which error."""

from __future__ import annotations

from collections.abc import Mapping

from portal import registers
from portal.cases import attachments, incidents, mending, publicly, quarantine
from portal.cases import errors as cases
from portal.db.database import DatabaseBusy, DatabaseUnreachable, TextWithNul
from portal.documents import rules as letters
from portal.documents import service as documents
from portal.edge import errors as edge
from portal.engine import EngineFault, NotWaiting
from portal.errors import PortalError
from portal.identity import (
    Forbidden,
    SignInRefused,
    TooManyAttempts,
    accounts,
    entry,
    granting,
    lending,
    sessions,
    systems,
    tokens,
)
from portal.inbox import saved
from portal.procedures import releases, validity
from portal.procedures.releases import UnknownProcedure
from portal.registers import lots
from portal.storage import ObjectAltered, ObjectMissing, StoreUnavailable

STATUS: Mapping[type[PortalError], int] = {
    Forbidden: 403,
    cases.NotYourRole: 403,
    cases.NotYourRegulation: 403,
    cases.MayOnlyRead: 403,
    cases.RightsChanged: 403,
    cases.Separated: 403,
    cases.EnteredIt: 403,
    cases.MayNotStart: 403,
    cases.UnknownCase: 404,
    documents.UnknownLetter: 404,
    documents.UnknownService: 404,
    documents.UnknownProof: 404,
    UnknownProcedure: 404,
    validity.UnknownRenewal: 404,
    validity.RevokedAlready: 409,
    validity.RenewalsChanged: 409,
    ObjectMissing: 404,
    ObjectAltered: 409,
    cases.Refused: 409,
    cases.StepFailed: 409,
    NotWaiting: 409,
    letters.FileNotReady: 409,
    letters.NoPdf: 404,
    attachments.FileTooLarge: 413,
    registers.RecordExists: 409,
    registers.RecordMissing: 409,
    registers.WrongField: 422,
    lots.NotOdd: 422,
    lots.PoolTooSmall: 422,
    cases.FormRefused: 422,
    cases.UnknownParty: 422,
    cases.EarlierNeedsReason: 422,
    letters.ServedInFuture: 422,
    letters.ServedBeforeIssue: 422,
    letters.UnknownWayOfService: 422,
    documents.AlreadyStruck: 409,
    documents.NothingFailed: 409,
    documents.CopyIsNotServed: 422,
    documents.ReasonMissing: 422,
    attachments.EmptyFile: 422,
    attachments.WrongKind: 422,
    attachments.TooMany: 422,
    attachments.NotYourFile: 422,
    attachments.InfectedFile: 422,
    quarantine.Infected: 403,
    publicly.TooMuch: 422,
    entry.NoSuchChoice: 422,
    saved.FilterName: 422,
    TextWithNul: 422,
    saved.FilterNameTaken: 409,
    saved.TooManyFilters: 409,
    saved.UnknownFilter: 404,
    entry.NotYourOwn: 403,
    entry.MayNotManage: 403,
    entry.UnknownRegistration: 404,
    entry.AlreadyDecided: 409,
    entry.AlreadyInOrganisation: 409,
    entry.HandedInAnew: 409,
    entry.ActsAlone: 409,
    entry.LastManager: 409,
    entry.PersonTaken: 409,
    entry.NotOfYourOrganisation: 409,
    entry.OtherWay: 409,
    entry.ProgramsDoNotManage: 409,
    entry.SituationChanged: 409,
    lending.NoSuchDelegation: 404,
    lending.EndedAlready: 409,
    lending.LendingRefused: 422,
    accounts.UnknownOfficial: 404,
    sessions.UnknownSession: 404,
    accounts.NotYourself: 403,
    accounts.LastAdministrator: 409,
    accounts.AlreadySo: 409,
    accounts.NobodySignsIn: 409,
    granting.GrantOver: 409,
    granting.GrantedBefore: 409,
    granting.DayPast: 422,
    granting.DaysOutOfOrder: 422,
    granting.NotLengthened: 422,
    tokens.UnknownToken: 404,
    tokens.TokenOver: 409,
    tokens.AccountClosed: 409,
    tokens.PasswordNotChosen: 409,
    tokens.NameTaken: 409,
    tokens.TooManyTokens: 409,
    systems.UnknownSystem: 404,
    systems.NobodyThere: 409,
    incidents.UnknownIncident: 404,
    incidents.IncidentClosed: 409,
    mending.CannotTryAgain: 409,
    releases.UnknownRelease: 404,
    SignInRefused: 422,
    TooManyAttempts: 429,
    edge.BrokenJson: 400,
    edge.NoToken: 401,
    edge.TokenRefused: 401,
    edge.NotInScope: 403,
    edge.UnknownAccount: 404,
    edge.PdfNotYet: 409,
    edge.OtherFormat: 415,
    edge.WrongRequest: 422,
    edge.KeyUsedOtherwise: 422,
    edge.TooManyRequests: 429,
    edge.NoPdfHere: 501,
    EngineFault: 500,
    cases.RequestTooOld: 503,
    DatabaseUnreachable: 503,
    DatabaseBusy: 503,
    StoreUnavailable: 503,
}
"""The nearest base class in the table decides; an error that is not in it is one of the portal's own (500)."""


def status_of(error: PortalError) -> int:
    """The HTTP status of an error."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
