# The names of this package for type checkers; __init__.py loads them when they are first used.

from ultravox_async.types.account_telephony import (
    AccountTelephonyConfig as AccountTelephonyConfig,
)
from ultravox_async.types.account_telephony import (
    AccountTelephonyConfigChanges as AccountTelephonyConfigChanges,
)
from ultravox_async.types.account_telephony import (
    PlivoSettings as PlivoSettings,
)
from ultravox_async.types.account_telephony import (
    TelephonySettings as TelephonySettings,
)
from ultravox_async.types.account_telephony import (
    TelnyxSettings as TelnyxSettings,
)
from ultravox_async.types.account_telephony import (
    TwilioSettings as TwilioSettings,
)
from ultravox_async.types.accounts import (
    Account as Account,
)
from ultravox_async.types.accounts import (
    AccountBillingInfo as AccountBillingInfo,
)
from ultravox_async.types.accounts import (
    AccountTtsKeys as AccountTtsKeys,
)
from ultravox_async.types.accounts import (
    BillingReason as BillingReason,
)
from ultravox_async.types.accounts import (
    BillingUsage as BillingUsage,
)
from ultravox_async.types.accounts import (
    BillingUsageDay as BillingUsageDay,
)
from ultravox_async.types.accounts import (
    BucketSize as BucketSize,
)
from ultravox_async.types.accounts import (
    CallStatistics as CallStatistics,
)
from ultravox_async.types.accounts import (
    CallUsage as CallUsage,
)
from ultravox_async.types.accounts import (
    ConcurrencyBucket as ConcurrencyBucket,
)
from ultravox_async.types.accounts import (
    ConcurrencyPeriod as ConcurrencyPeriod,
)
from ultravox_async.types.accounts import (
    ConcurrencyUsage as ConcurrencyUsage,
)
from ultravox_async.types.accounts import (
    DailyCallStatistics as DailyCallStatistics,
)
from ultravox_async.types.accounts import (
    HourlyCallStatistics as HourlyCallStatistics,
)
from ultravox_async.types.accounts import (
    Invoice as Invoice,
)
from ultravox_async.types.accounts import (
    InvoiceStatus as InvoiceStatus,
)
from ultravox_async.types.accounts import (
    TtsKeyChanges as TtsKeyChanges,
)
from ultravox_async.types.accounts import (
    UsagePeriod as UsagePeriod,
)
from ultravox_async.types.agents import (
    Agent as Agent,
)
from ultravox_async.types.agents import (
    AgentBasic as AgentBasic,
)
from ultravox_async.types.agents import (
    AgentCallSettings as AgentCallSettings,
)
from ultravox_async.types.agents import (
    AgentChanges as AgentChanges,
)
from ultravox_async.types.agents import (
    AgentDailyUsage as AgentDailyUsage,
)
from ultravox_async.types.agents import (
    AgentFilters as AgentFilters,
)
from ultravox_async.types.agents import (
    AgentStatistics as AgentStatistics,
)
from ultravox_async.types.agents import (
    AgentUsage as AgentUsage,
)
from ultravox_async.types.agents import (
    CallTemplate as CallTemplate,
)
from ultravox_async.types.agents import (
    NewAgent as NewAgent,
)
from ultravox_async.types.agents import (
    StartAgentCall as StartAgentCall,
)
from ultravox_async.types.api_keys import (
    ApiKey as ApiKey,
)
from ultravox_async.types.api_keys import (
    ApiKeyChanges as ApiKeyChanges,
)
from ultravox_async.types.api_keys import (
    ApiKeyReplacement as ApiKeyReplacement,
)
from ultravox_async.types.api_keys import (
    CreatedApiKey as CreatedApiKey,
)
from ultravox_async.types.api_keys import (
    NewApiKey as NewApiKey,
)
from ultravox_async.types.call_events import (
    CallEvent as CallEvent,
)
from ultravox_async.types.call_events import (
    EventFilters as EventFilters,
)
from ultravox_async.types.call_events import (
    EventSeverity as EventSeverity,
)
from ultravox_async.types.call_stages import (
    CallStage as CallStage,
)
from ultravox_async.types.call_throttles import (
    CallThrottle as CallThrottle,
)
from ultravox_async.types.call_throttles import (
    CallThrottleChanges as CallThrottleChanges,
)
from ultravox_async.types.call_throttles import (
    CallThrottleRule as CallThrottleRule,
)
from ultravox_async.types.call_throttles import (
    NewCallThrottle as NewCallThrottle,
)
from ultravox_async.types.calls import (
    BillingStatus as BillingStatus,
)
from ultravox_async.types.calls import (
    Call as Call,
)
from ultravox_async.types.calls import (
    CallFilters as CallFilters,
)
from ultravox_async.types.calls import (
    CallSettings as CallSettings,
)
from ultravox_async.types.calls import (
    CallSipDetails as CallSipDetails,
)
from ultravox_async.types.calls import (
    CallTool as CallTool,
)
from ultravox_async.types.calls import (
    MessageFilters as MessageFilters,
)
from ultravox_async.types.calls import (
    MessageMode as MessageMode,
)
from ultravox_async.types.calls import (
    RetentionPolicy as RetentionPolicy,
)
from ultravox_async.types.calls import (
    SipTerminationReason as SipTerminationReason,
)
from ultravox_async.types.calls import (
    StartCall as StartCall,
)
from ultravox_async.types.corpora import (
    AdvancedSpec as AdvancedSpec,
)
from ultravox_async.types.corpora import (
    Citation as Citation,
)
from ultravox_async.types.corpora import (
    Corpus as Corpus,
)
from ultravox_async.types.corpora import (
    CorpusChanges as CorpusChanges,
)
from ultravox_async.types.corpora import (
    CorpusDocument as CorpusDocument,
)
from ultravox_async.types.corpora import (
    CorpusDocumentMetadata as CorpusDocumentMetadata,
)
from ultravox_async.types.corpora import (
    CorpusQuery as CorpusQuery,
)
from ultravox_async.types.corpora import (
    CorpusQueryResult as CorpusQueryResult,
)
from ultravox_async.types.corpora import (
    CorpusSource as CorpusSource,
)
from ultravox_async.types.corpora import (
    CorpusSourceChanges as CorpusSourceChanges,
)
from ultravox_async.types.corpora import (
    CorpusStats as CorpusStats,
)
from ultravox_async.types.corpora import (
    CorpusStatus as CorpusStatus,
)
from ultravox_async.types.corpora import (
    CorpusUpload as CorpusUpload,
)
from ultravox_async.types.corpora import (
    CrawlSpec as CrawlSpec,
)
from ultravox_async.types.corpora import (
    DocumentDetails as DocumentDetails,
)
from ultravox_async.types.corpora import (
    MimeTypeFilter as MimeTypeFilter,
)
from ultravox_async.types.corpora import (
    MimeTypeSet as MimeTypeSet,
)
from ultravox_async.types.corpora import (
    NewCorpus as NewCorpus,
)
from ultravox_async.types.corpora import (
    NewCorpusSource as NewCorpusSource,
)
from ultravox_async.types.corpora import (
    NewCorpusUpload as NewCorpusUpload,
)
from ultravox_async.types.corpora import (
    SourceStats as SourceStats,
)
from ultravox_async.types.corpora import (
    SourceStatus as SourceStatus,
)
from ultravox_async.types.corpora import (
    UploadSpec as UploadSpec,
)
from ultravox_async.types.data_messages import (
    DataMessage as DataMessage,
)
from ultravox_async.types.data_messages import (
    ForcedAgentMessage as ForcedAgentMessage,
)
from ultravox_async.types.data_messages import (
    ForcedToolCall as ForcedToolCall,
)
from ultravox_async.types.data_messages import (
    HangUp as HangUp,
)
from ultravox_async.types.data_messages import (
    MessagePlacement as MessagePlacement,
)
from ultravox_async.types.data_messages import (
    MessageUrgency as MessageUrgency,
)
from ultravox_async.types.data_messages import (
    UserTextMessage as UserTextMessage,
)
from ultravox_async.types.deleted_calls import (
    CallTombstone as CallTombstone,
)
from ultravox_async.types.deleted_calls import (
    DeletedCallFilters as DeletedCallFilters,
)
from ultravox_async.types.models import (
    ModelAlias as ModelAlias,
)
from ultravox_async.types.scheduled_batches import (
    NewScheduledCall as NewScheduledCall,
)
from ultravox_async.types.scheduled_batches import (
    NewScheduledCallBatch as NewScheduledCallBatch,
)
from ultravox_async.types.scheduled_batches import (
    ScheduledCall as ScheduledCall,
)
from ultravox_async.types.scheduled_batches import (
    ScheduledCallBatch as ScheduledCallBatch,
)
from ultravox_async.types.scheduled_batches import (
    ScheduledCallBatchChanges as ScheduledCallBatchChanges,
)
from ultravox_async.types.scheduled_batches import (
    ScheduledCallFilters as ScheduledCallFilters,
)
from ultravox_async.types.scheduled_batches import (
    ScheduledCallStatus as ScheduledCallStatus,
)
from ultravox_async.types.shared.call_filters import (
    CallConditions as CallConditions,
)
from ultravox_async.types.shared.connections import (
    Callback as Callback,
)
from ultravox_async.types.shared.connections import (
    Callbacks as Callbacks,
)
from ultravox_async.types.shared.connections import (
    ChannelMode as ChannelMode,
)
from ultravox_async.types.shared.connections import (
    DataConnectionAudioConfig as DataConnectionAudioConfig,
)
from ultravox_async.types.shared.connections import (
    DataConnectionConfig as DataConnectionConfig,
)
from ultravox_async.types.shared.end_reason import (
    EndReason as EndReason,
)
from ultravox_async.types.shared.media import (
    CallMedium as CallMedium,
)
from ultravox_async.types.shared.media import (
    DtmfHandling as DtmfHandling,
)
from ultravox_async.types.shared.media import (
    DtmfUrgency as DtmfUrgency,
)
from ultravox_async.types.shared.media import (
    DtmfUserTextMessage as DtmfUserTextMessage,
)
from ultravox_async.types.shared.media import (
    EnabledDataMessages as EnabledDataMessages,
)
from ultravox_async.types.shared.media import (
    ExotelMedium as ExotelMedium,
)
from ultravox_async.types.shared.media import (
    PlivoMedium as PlivoMedium,
)
from ultravox_async.types.shared.media import (
    PlivoOutgoingCall as PlivoOutgoingCall,
)
from ultravox_async.types.shared.media import (
    SipIncoming as SipIncoming,
)
from ultravox_async.types.shared.media import (
    SipMedium as SipMedium,
)
from ultravox_async.types.shared.media import (
    SipOutgoing as SipOutgoing,
)
from ultravox_async.types.shared.media import (
    TelnyxMedium as TelnyxMedium,
)
from ultravox_async.types.shared.media import (
    TelnyxOutgoingCall as TelnyxOutgoingCall,
)
from ultravox_async.types.shared.media import (
    TwilioMedium as TwilioMedium,
)
from ultravox_async.types.shared.media import (
    TwilioOutgoingCall as TwilioOutgoingCall,
)
from ultravox_async.types.shared.media import (
    WebRtcMedium as WebRtcMedium,
)
from ultravox_async.types.shared.media import (
    WebSocketMedium as WebSocketMedium,
)
from ultravox_async.types.shared.messages import (
    EndBehavior as EndBehavior,
)
from ultravox_async.types.shared.messages import (
    InCallTimespan as InCallTimespan,
)
from ultravox_async.types.shared.messages import (
    Message as Message,
)
from ultravox_async.types.shared.messages import (
    MessageMedium as MessageMedium,
)
from ultravox_async.types.shared.messages import (
    MessageRole as MessageRole,
)
from ultravox_async.types.shared.messages import (
    TimedMessage as TimedMessage,
)
from ultravox_async.types.shared.ownership import (
    Ownership as Ownership,
)
from ultravox_async.types.shared.paging import (
    ListOptions as ListOptions,
)
from ultravox_async.types.shared.retention import (
    CallRetentionPolicy as CallRetentionPolicy,
)
from ultravox_async.types.shared.speakers import (
    AgentGreeting as AgentGreeting,
)
from ultravox_async.types.shared.speakers import (
    FallbackAgentGreeting as FallbackAgentGreeting,
)
from ultravox_async.types.shared.speakers import (
    FirstSpeaker as FirstSpeaker,
)
from ultravox_async.types.shared.speakers import (
    FirstSpeakerSettings as FirstSpeakerSettings,
)
from ultravox_async.types.shared.speakers import (
    UserGreeting as UserGreeting,
)
from ultravox_async.types.shared.tool_security import (
    HeaderApiKeyRequirement as HeaderApiKeyRequirement,
)
from ultravox_async.types.shared.tool_security import (
    HttpAuthRequirement as HttpAuthRequirement,
)
from ultravox_async.types.shared.tool_security import (
    QueryApiKeyRequirement as QueryApiKeyRequirement,
)
from ultravox_async.types.shared.tool_security import (
    SecurityOptions as SecurityOptions,
)
from ultravox_async.types.shared.tool_security import (
    SecurityRequirement as SecurityRequirement,
)
from ultravox_async.types.shared.tool_security import (
    SecurityRequirements as SecurityRequirements,
)
from ultravox_async.types.shared.tool_security import (
    UltravoxCallTokenRequirement as UltravoxCallTokenRequirement,
)
from ultravox_async.types.shared.tools import (
    AgentReaction as AgentReaction,
)
from ultravox_async.types.shared.tools import (
    AutomaticParameter as AutomaticParameter,
)
from ultravox_async.types.shared.tools import (
    CallToolDefinition as CallToolDefinition,
)
from ultravox_async.types.shared.tools import (
    ClientCallToolDetails as ClientCallToolDetails,
)
from ultravox_async.types.shared.tools import (
    ClientToolDetails as ClientToolDetails,
)
from ultravox_async.types.shared.tools import (
    DataConnectionCallToolDetails as DataConnectionCallToolDetails,
)
from ultravox_async.types.shared.tools import (
    DataConnectionToolDetails as DataConnectionToolDetails,
)
from ultravox_async.types.shared.tools import (
    DynamicParameter as DynamicParameter,
)
from ultravox_async.types.shared.tools import (
    HttpCallToolDetails as HttpCallToolDetails,
)
from ultravox_async.types.shared.tools import (
    HttpToolDetails as HttpToolDetails,
)
from ultravox_async.types.shared.tools import (
    KnownValue as KnownValue,
)
from ultravox_async.types.shared.tools import (
    ParameterLocation as ParameterLocation,
)
from ultravox_async.types.shared.tools import (
    SelectedTool as SelectedTool,
)
from ultravox_async.types.shared.tools import (
    SelectedToolOptions as SelectedToolOptions,
)
from ultravox_async.types.shared.tools import (
    StaticParameter as StaticParameter,
)
from ultravox_async.types.shared.tools import (
    StaticToolResponse as StaticToolResponse,
)
from ultravox_async.types.shared.tools import (
    ToolDefinition as ToolDefinition,
)
from ultravox_async.types.shared.tools import (
    ToolOverrides as ToolOverrides,
)
from ultravox_async.types.shared.tools import (
    ToolRequirements as ToolRequirements,
)
from ultravox_async.types.shared.vad import (
    VadSettings as VadSettings,
)
from ultravox_async.types.shared.voices import (
    CartesiaGenerationConfig as CartesiaGenerationConfig,
)
from ultravox_async.types.shared.voices import (
    CartesiaVoice as CartesiaVoice,
)
from ultravox_async.types.shared.voices import (
    ElevenLabsVoice as ElevenLabsVoice,
)
from ultravox_async.types.shared.voices import (
    ExternalVoice as ExternalVoice,
)
from ultravox_async.types.shared.voices import (
    GenericVoice as GenericVoice,
)
from ultravox_async.types.shared.voices import (
    GoogleVoice as GoogleVoice,
)
from ultravox_async.types.shared.voices import (
    InworldVoice as InworldVoice,
)
from ultravox_async.types.shared.voices import (
    JsonByteEncoding as JsonByteEncoding,
)
from ultravox_async.types.shared.voices import (
    LmntVoice as LmntVoice,
)
from ultravox_async.types.shared.voices import (
    PronunciationDictionary as PronunciationDictionary,
)
from ultravox_async.types.shared.voices import (
    RespeecherVoice as RespeecherVoice,
)
from ultravox_async.types.sip import (
    AgentAllowance as AgentAllowance,
)
from ultravox_async.types.sip import (
    FallbackHandler as FallbackHandler,
)
from ultravox_async.types.sip import (
    NewSipRegistration as NewSipRegistration,
)
from ultravox_async.types.sip import (
    SipConfig as SipConfig,
)
from ultravox_async.types.sip import (
    SipConfigChanges as SipConfigChanges,
)
from ultravox_async.types.sip import (
    SipRegistration as SipRegistration,
)
from ultravox_async.types.sip import (
    SipRegistrationChanges as SipRegistrationChanges,
)
from ultravox_async.types.sip_fallback import (
    FallbackAgentCall as FallbackAgentCall,
)
from ultravox_async.types.sip_fallback import (
    IncomingSipCall as IncomingSipCall,
)
from ultravox_async.types.sip_fallback import (
    SipRejection as SipRejection,
)
from ultravox_async.types.telephony import (
    CallCreation as CallCreation,
)
from ultravox_async.types.telephony import (
    KeyPrefix as KeyPrefix,
)
from ultravox_async.types.telephony import (
    NewPlivoConfig as NewPlivoConfig,
)
from ultravox_async.types.telephony import (
    NewTelnyxConfig as NewTelnyxConfig,
)
from ultravox_async.types.telephony import (
    NewTwilioConfig as NewTwilioConfig,
)
from ultravox_async.types.telephony import (
    PlivoConfig as PlivoConfig,
)
from ultravox_async.types.telephony import (
    PlivoConfigChanges as PlivoConfigChanges,
)
from ultravox_async.types.telephony import (
    TelephonyConfig as TelephonyConfig,
)
from ultravox_async.types.telephony import (
    TelnyxConfig as TelnyxConfig,
)
from ultravox_async.types.telephony import (
    TelnyxConfigChanges as TelnyxConfigChanges,
)
from ultravox_async.types.telephony import (
    TwilioConfig as TwilioConfig,
)
from ultravox_async.types.telephony import (
    TwilioConfigChanges as TwilioConfigChanges,
)
from ultravox_async.types.tools import (
    NewTool as NewTool,
)
from ultravox_async.types.tools import (
    Tool as Tool,
)
from ultravox_async.types.tools import (
    ToolFilters as ToolFilters,
)
from ultravox_async.types.tools import (
    ToolHistory as ToolHistory,
)
from ultravox_async.types.tools import (
    ToolSortOrder as ToolSortOrder,
)
from ultravox_async.types.voices import (
    NewClonedVoice as NewClonedVoice,
)
from ultravox_async.types.voices import (
    NewVoice as NewVoice,
)
from ultravox_async.types.voices import (
    Voice as Voice,
)
from ultravox_async.types.voices import (
    VoiceBillingStyle as VoiceBillingStyle,
)
from ultravox_async.types.voices import (
    VoiceChanges as VoiceChanges,
)
from ultravox_async.types.voices import (
    VoiceFilters as VoiceFilters,
)
from ultravox_async.types.voices import (
    VoiceProvider as VoiceProvider,
)
from ultravox_async.types.webhooks import (
    NewWebhook as NewWebhook,
)
from ultravox_async.types.webhooks import (
    Webhook as Webhook,
)
from ultravox_async.types.webhooks import (
    WebhookChanges as WebhookChanges,
)
from ultravox_async.types.webhooks import (
    WebhookEvent as WebhookEvent,
)
from ultravox_async.types.webhooks import (
    WebhookFailure as WebhookFailure,
)
from ultravox_async.types.webhooks import (
    WebhookFilters as WebhookFilters,
)
from ultravox_async.types.webhooks import (
    WebhookStatus as WebhookStatus,
)
